"""How often Face may be asked about one session, and when a message asks again.

One person's token must not use up everybody's rate.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from shared.session.session import Report, Session

_FIRST_PAUSE = timedelta(seconds=2)
_MAX_PAUSE = timedelta(seconds=30)
_MAX_DOUBLINGS = 4
# After so many empty looks no message follows: the session's alarm has it.
_MAX_MESSAGES = 4


def pause_after(times: int) -> timedelta:
    """Tell how long to wait after so many looks in vain: 2 seconds, doubling to 30."""
    doublings = min(max(times - 1, 0), _MAX_DOUBLINGS)
    return min(_FIRST_PAUSE * (1 << doublings), _MAX_PAUSE)


def is_look_due(session: Session, now: datetime) -> bool:
    """Tell whether Face may be asked again."""
    return session.look_at is None or now >= session.look_at


def may_look_for(report: Report, session: Session, now: datetime) -> bool:
    """Tell whether a report is worth a look: when one is due, and for the first digest at once."""
    is_first_digest = report.digest is not None and session.report.digest is None
    return is_look_due(session, now) or is_first_digest


def with_empty_look(session: Session, now: datetime, *, due_at: datetime | None = None) -> Session:
    """Count a look that has found nothing, unless somebody else has counted the same.

    A message looks next, and after a few of them the alarm. The pause begins now, or when the look
    was due.
    """
    if not is_look_due(session, now):
        return session
    empty_looks = session.empty_looks + 1
    look_at = max((due_at or now) + pause_after(empty_looks), now + _FIRST_PAUSE)
    message_at = look_at if empty_looks <= _MAX_MESSAGES else session.message_at
    return replace(session, empty_looks=empty_looks, look_at=look_at, message_at=message_at)


def with_message(session: Session, now: datetime) -> Session:
    """Have a message look as soon as somebody may, unless one will."""
    look_at = session.look_at or now
    if session.message_at is not None and session.message_at >= max(now, look_at):
        return session
    return replace(session, message_at=max(now + _FIRST_PAUSE, look_at))


def with_failed_cancel(session: Session, now: datetime) -> Session:
    """Keep cancels from asking Face for a while, unless they are kept from it already."""
    if session.cancel_look_at is not None and now < session.cancel_look_at:
        return session
    failed_cancels = session.failed_cancels + 1
    cancel_look_at = now + pause_after(failed_cancels)
    return replace(session, failed_cancels=failed_cancels, cancel_look_at=cancel_look_at)


def next_message_at(before: Session, after: Session) -> datetime | None:
    """Tell when a message must be there, if it is this change that has called for it.

    Nobody else sends one for the same moment, so that there is never more than one chain of them.
    """
    return None if after.message_at == before.message_at else after.message_at


def seconds_until(moment: datetime | None, now: datetime) -> int:
    """Count the whole seconds until a moment: 0 if there is none, or it has passed."""
    return 0 if moment is None else max(0, ceil((moment - now).total_seconds()))
