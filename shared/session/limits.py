"""How often a person may start, fail, and be in the middle of a check."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.session.ledger import MEMORY, Entry, EntryType, Ledger, Slot
from shared.session.session import Kind

_HOUR = timedelta(hours=1)
_FIRST_WAIT = timedelta(minutes=1)
_MAX_WAIT = timedelta(hours=24)
# Of the first wait; one more would be beyond the longest.
_MAX_DOUBLINGS = 11
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one person may do; 0 is any number."""

    max_open_sessions: int
    max_starts_per_hour: int
    max_failures: int


NO_LIMITS = Limits(max_open_sessions=0, max_starts_per_hour=0, max_failures=0)


class Limit(StrEnum):
    """What a person has reached."""

    FAILURES = "failures"
    STARTS = "starts"
    OPEN_SESSIONS = "openSessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a person may not start now, and until when."""

    limit: Limit
    until: datetime

    def retry_after_seconds(self, now: datetime) -> int:
        """Return the whole seconds, at least one, after which this refusal is over."""
        return max(1, -((now - self.until) // timedelta(seconds=1)))


def find_refusal(ledger: Ledger, limits: Limits, now: datetime) -> Refusal | None:
    """Return the first limit that is reached: failures, then starts, then open sessions."""
    locked, busy = locked_until(ledger, limits, now), _busy_until(ledger, limits, now)
    # To a caller both are one refusal, so its end is when both are over.
    attempts = max(locked or _NEVER, busy or _NEVER)
    if locked:
        return Refusal(limit=Limit.FAILURES, until=attempts)
    if busy:
        return Refusal(limit=Limit.STARTS, until=attempts)
    full = _full_until(ledger, limits, now)
    return Refusal(limit=Limit.OPEN_SESSIONS, until=full) if full else None


def locked_until(ledger: Ledger, limits: Limits, now: datetime) -> datetime | None:
    """Return until when a person must wait after too many failures in a row, if at all."""
    failures = sorted(_failures_in_a_row(ledger))
    surplus = len(failures) - limits.max_failures
    if limits.max_failures == 0 or surplus < 0:
        return None
    last = failures[-1]
    # With each failure that grows too old to count the wait is shorter, at last there is none.
    without_oldest = [last, *(at + MEMORY for at in failures)]
    until = min(
        max(without_oldest[count], last + _wait(surplus - count)) for count in range(surplus + 2)
    )
    return until if now < until else None


def locked_by(failure: Entry, ledger: Ledger, limits: Limits) -> datetime | None:
    """Return until when a failure locked its person, whatever has come since."""
    entries = tuple(entry for entry in ledger.entries if entry.at <= failure.at)
    unlock = ledger.unlock if ledger.unlock and ledger.unlock.at <= failure.at else None
    return locked_until(replace(ledger, entries=entries, unlock=unlock), limits, failure.at)


def choose_slot(ledger: Ledger, limits: Limits, now: datetime) -> Slot | None:
    """Return the slot that the next session takes, as its row is now: None if none is needed.

    Only for a person whom nothing refuses.
    """
    known = {slot.number: slot for slot in ledger.slots}
    slots = (known.get(number, Slot(number=number)) for number in range(limits.max_open_sessions))
    return next((slot for slot in slots if not slot.is_open(now)), None)


def _failures_in_a_row(ledger: Ledger) -> Iterator[datetime]:
    forgiven = {kind: _forgiven_until(ledger, kind) for kind in Kind}
    for entry in ledger.entries:
        if entry.type is EntryType.FAILURE and entry.at > forgiven[entry.kind]:
            yield entry.at


def _forgiven_until(ledger: Ledger, kind: Kind) -> datetime:
    """Return the last unlock, or the last pass of this kind or of the one that proves more."""
    unlocks = [ledger.unlock.at] if ledger.unlock else []
    passes = [
        entry.at
        for entry in ledger.entries
        if entry.type is EntryType.PASS and entry.kind in {kind, Kind.LIVENESS_WITH_VERIFY}
    ]
    return max([*unlocks, *passes], default=_NEVER)


def _wait(surplus: int) -> timedelta:
    if surplus < 0:
        return timedelta()
    return min(_FIRST_WAIT * (1 << min(surplus, _MAX_DOUBLINGS)), _MAX_WAIT)


def _busy_until(ledger: Ledger, limits: Limits, now: datetime) -> datetime | None:
    starts = (entry.at + _HOUR for entry in ledger.entries if entry.type is EntryType.START)
    return _room_at(starts, limits.max_starts_per_hour, now)


def _full_until(ledger: Ledger, limits: Limits, now: datetime) -> datetime | None:
    ends = (slot.ends_at for slot in ledger.slots if slot.ends_at)
    return _room_at(ends, limits.max_open_sessions, now)


def _room_at(ends: Iterable[datetime], maximum: int, now: datetime) -> datetime | None:
    """Return when fewer than the maximum have not ended, if there are as many now."""
    left = sorted(end for end in ends if now < end)
    return left[len(left) - maximum] if 0 < maximum <= len(left) else None
