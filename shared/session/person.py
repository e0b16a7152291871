"""Who is checked: a user, or else a device; and what of that is kept with a session."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.session.shard import PersonHash


class PersonKind(StrEnum):
    """What names a person, so that a user and a device of one name stay two."""

    USER = "user"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One of whom a caller knows an id, in Unicode's form C."""

    kind: PersonKind
    id: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationIds:
    """The ids that a caller has given a check."""

    device: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPerson:
    """What a session keeps of its person: a keyed hash, and the ids sealed."""

    person: PersonHash | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)
