"""What was played, asked and told, with the times of this machine's clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos.scripts import Play, Script


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a create handed out."""

    session_id: str
    auth_token: str
    session_token: str
    face_session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the device did, and whether Face took it."""

    face_session_id: str
    play: Play
    sent: datetime
    answered: datetime
    taken: bool
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call to the app; status 0 is a lost answer."""

    act: str
    opened: Opened | None
    sent: datetime
    answered: datetime
    status: int
    told: str | None = None
    outcome: str | None = None
    code: str | None = None
    digest: str | None = None
    error: str | None = None
    consumer: str | None = None
    key: str | None = None
    comes_back: bool = False

    @property
    def is_repeat(self) -> bool:
        """Was this a create whose key has its session already."""
        return self.act == "create" and self.code == "SessionConflict" and not self.comes_back


@dataclass(slots=True, kw_only=True)
class History:
    """One script, and what came of it."""

    script: Script
    opened: list[Opened] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    new_keys: int = 0

    @property
    def key(self) -> str | None:
        """Return the key under which the frontend creates now."""
        return self.script.key and f"{self.script.key}-{self.new_keys}"

    @property
    def creates(self) -> int:
        return sum(one.act == "create" for one in self.asked)

    def lines(self) -> Iterator[str]:
        """Tell it in the order in which it happened."""
        events: list[Played | Asked] = [*self.played, *self.asked]
        for event in sorted(events, key=lambda one: one.sent):
            took = (event.answered - event.sent).total_seconds()
            yield f"{event.sent:%H:%M:%S.%f} +{took:.3f}s {_words(event)}"


def _words(event: Played | Asked) -> str:
    if isinstance(event, Played):
        taken = "taken" if event.taken else "refused"
        return f"device plays {event.play} on {event.face_session_id}: {taken}"
    facts = {
        "told": event.told,
        "outcome": event.outcome,
        "code": event.code,
        "digest": event.digest,
        "error": event.error,
        "consumer": event.consumer,
        "key": event.key,
        "session": event.opened and event.opened.session_id,
        "face": event.opened and event.opened.face_session_id,
    }
    told = " ".join(f"{name}={fact}" for name, fact in facts.items() if fact)
    return f"{event.act}: {event.status or 'no answer'} {told}"
