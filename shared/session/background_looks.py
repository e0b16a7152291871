"""Looks of messages and alarms: whose goes first, and what follows where they find nothing."""

from dataclasses import replace
from datetime import datetime

from shared.session import looks
from shared.session.session import Session, Status

# The rank of a look whose order is somebody else's matter.
NO_RANK = 0.0


def rank_of(session: Session) -> float:
    """Tell whose look goes first, of those that wait: the lower one, of who has reported later.

    Whoever reported long ago has had looks, and his alarm is near.
    """
    is_reported = session.status is Status.PROCESSING
    return -session.alarm_at.timestamp() if is_reported else NO_RANK


def with_empty_look_of_message(session: Session, now: datetime) -> Session:
    """Count a message's look that has found nothing; how late it came is no part of the pause."""
    return looks.with_empty_look(session, now, due_at=session.look_at)


def with_empty_look_of_alarm(session: Session, now: datetime) -> Session:
    """Count an alarm's look that has found nothing: no message looks next, but the alarm."""
    return replace(looks.with_empty_look(session, now), message_at=session.message_at)
