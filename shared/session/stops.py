"""What is left to do of a session that has ended, and when its alarm is due for it."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.session.alarm import next_alarm_at
from shared.session.face_reply import FACE_FORGETS_AFTER
from shared.session.session import Session


def event_due(session: Session, now: datetime) -> Session:
    """Have an event sent of how the session ended, as soon as somebody comes by."""
    return replace(session, event_due_since=now, alarm_at=now, alarm_delays=0)


def event_sent(session: Session, retention: timedelta) -> Session:
    """Go on without an event to send."""
    return with_stop_done(replace(session, event_due_since=None), retention)


def event_refused(session: Session, retention: timedelta, now: datetime) -> Session:
    """Send the event later, if at all: once the record is due to go, so is the event."""
    alarm_at = min(next_alarm_at(session, now), purge_at(session, retention))
    return replace(session, alarm_at=alarm_at, alarm_delays=session.alarm_delays + 1)


def with_stop_done(session: Session, retention: timedelta) -> Session:
    """Keep only our record, until its retention ends, if nothing else is left."""
    if session.has_stops:
        return session
    return replace(session, alarm_at=purge_at(session, retention), alarm_delays=0)


def max_unreadable(retention: timedelta) -> timedelta:
    """Tell how long a record that nobody can read is kept: as if its check had ended the latest."""
    return FACE_FORGETS_AFTER + retention


def purge_at(session: Session, retention: timedelta) -> datetime:
    """Tell when the record of a final session goes."""
    if session.ended_at is None:
        raise ValueError("only a final session is ever purged")
    return session.ended_at + retention
