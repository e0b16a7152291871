"""When somebody must look at a session again, what for, and what comes of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.session.ids import SessionId, shard_of
from shared.session.session import Session, Status
from shared.session.shard import Shard

REPORTED_DELAY = timedelta(minutes=1)
MAX_DELAY = timedelta(hours=1)
_FIRST_DELAY = timedelta(minutes=1)
# Whoever waits for a verdict waits for minutes, not for an hour.
_MAX_DELAY_WHILE_YOUNG = timedelta(minutes=5)
_IS_YOUNG = timedelta(hours=2)
_MAX_DOUBLINGS = 10


class AlarmClass(StrEnum):
    """What an alarm is for, in the order in which a sweep works."""

    REPORTED = "reported"
    OPEN = "open"
    ENDED = "ended"
    EVENT = "event"
    PURGE = "purge"
    RECORD = "record"
    ERASURE = "erasure"

    @property
    def needs_face(self) -> bool:
        """Is there nothing to do without Face."""
        return self in {AlarmClass.REPORTED, AlarmClass.OPEN, AlarmClass.ENDED}


def alarm_class_of(session: Session) -> AlarmClass:
    """Tell what a session's alarm is for."""
    if session.is_final:
        if session.event_due_since is not None:
            return AlarmClass.EVENT
        return AlarmClass.ENDED if session.has_face_data else AlarmClass.PURGE
    return AlarmClass.REPORTED if session.status is Status.PROCESSING else AlarmClass.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """When a session must be looked at, or when a row of no session goes."""

    shard: Shard
    session_id: SessionId | None
    row_key: str = field(repr=False)
    due_at: datetime | None
    alarm_class: AlarmClass | None

    def is_own_of(self, session: Session) -> bool:
        """Tell whether this is the alarm that the session's record knows of."""
        return (
            self.shard == shard_of(session.session_id)
            and self.due_at == session.alarm_at
            and self.alarm_class == alarm_class_of(session)
        )


class SweepResult(StrEnum):
    """What came of an alarm."""

    SETTLED = "settled"
    ABANDONED = "abandoned"
    DELETED = "deleted"
    SENT = "sent"
    UNSENT = "unsent"
    PURGED = "purged"
    POSTPONED = "postponed"
    SKIPPED = "skipped"
    FORGOTTEN = "forgotten"
    FAILED = "failed"
    HELD = "held"
    LEFT = "left"


def next_alarm_at(session: Session, now: datetime) -> datetime:
    """Tell when to look again: a minute from now, or twice as long as the last time."""
    is_young = now < session.created_at + _IS_YOUNG
    maximum = _MAX_DELAY_WHILE_YOUNG if is_young else MAX_DELAY
    return now + min(backoff_delay(_FIRST_DELAY, session.alarm_delays), maximum)


def backoff_delay(first: timedelta, delays: int) -> timedelta:
    """Double a delay for each one before it, up to an hour."""
    doublings = min(max(delays, 0), _MAX_DOUBLINGS)
    return min(first * (1 << doublings), MAX_DELAY)
