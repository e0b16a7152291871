"""A person's ledger: what is kept of one person's sessions, for a day, to tell what they may do."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import SessionId
from shared.session.session import Kind, Outcome
from shared.session.shard import KeyHash

MEMORY = timedelta(hours=24)
_MAX_CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A numbered place for one open session, which ends with its token; without an end it is free.

    Its version is that of its row, or empty where there is none yet.
    """

    number: int
    session_id: SessionId | None = None
    ends_at: datetime | None = None
    version: str = field(default="", repr=False)

    def is_open(self, now: datetime) -> bool:
        """Tell whether its session's token still lives."""
        return self.ends_at is not None and now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """An operator's word that all failures until then are forgiven."""

    at: datetime
    version: str = field(default="", repr=False)

    def is_over(self, now: datetime) -> bool:
        """Tell whether all that it forgives is too old to count."""
        return now - self.at >= MEMORY


class EntryType(StrEnum):
    """What a session may leave behind with its person; an inconclusive one leaves its start."""

    START = "start"
    FAILURE = "failure"
    PASS = "pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session's start, or its end if that is a failure or a pass."""

    type: EntryType
    kind: Kind
    at: datetime
    session_id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All that a create must know of a person; rows that cannot be read are left out."""

    slots: tuple[Slot, ...] = ()
    records: tuple[IdempotencyRecord, ...] = ()
    unlock: Unlock | None = None
    entries: tuple[Entry, ...] = ()
    unreadable_rows: int = 0
    is_being_erased: bool = False

    def find_record(self, key_hash: KeyHash) -> IdempotencyRecord | None:
        """Return what is kept of an idempotency key, even if that is over."""
        return next((record for record in self.records if record.key_hash == key_hash), None)


def entry_type_of_ending(
    outcome: Outcome | None, *, is_canceled_during_check: bool
) -> EntryType | None:
    """Tell what an ending is to its person; a cancel can erase a spoof, so it is none for free."""
    if is_canceled_during_check or outcome in {Outcome.REJECTED, Outcome.UNTRUSTED}:
        return EntryType.FAILURE
    return EntryType.PASS if outcome is Outcome.PASSED else None


def may_free_slot(token_ends_at: datetime, now: datetime) -> bool:
    """Tell whether an ending may still write to its slot.

    Later a host whose clock is ahead may have given the slot to another session.
    """
    return token_ends_at - now > _MAX_CLOCK_SKEW
