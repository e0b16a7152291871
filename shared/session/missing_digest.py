"""A check whose digest nobody has reported: what is left to come before its end, and after it."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.session import transitions
from shared.session.alarm import REPORTED_DELAY
from shared.session.late_digest import compare_late
from shared.session.session import Report, Session


def awaited(session: Session, grace: timedelta, now: datetime) -> Session:
    """Leave a finished check to whoever brings its digest, until nobody can any more."""
    over_at = session.expires_at + grace
    return replace(
        transitions.processing(session, now),
        awaits_digest=True,
        look_at=over_at,
        alarm_at=over_at,
        alarm_delays=0,
    )


def arrived(session: Session, now: datetime) -> Session:
    """Look again, now that the digest is there which was waited for."""
    alarm_at = min(session.alarm_at, now + REPORTED_DELAY)
    return replace(session, awaits_digest=False, look_at=None, empty_looks=0, alarm_at=alarm_at)


def compared(session: Session, report: Report) -> Session:
    """Compare the first digest that comes after the end, where none came before; nothing else."""
    if report.digest is None or session.face_digest_hash is None:
        return session
    late_digest = compare_late(report.digest, session.face_digest_hash)
    return replace(session, late_digest=late_digest, face_digest_hash=None)
