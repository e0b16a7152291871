"""The steps of a session's life: which may follow which, and when its alarm is due then."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.secret import Secret
from shared.session.session import (
    FaceSessionId,
    Report,
    Session,
    SessionId,
    Status,
    Verdict,
    hash_token,
)
from shared.session.start_request import StartRequest

OPEN_FIRST_DELAY = timedelta(minutes=2)
CLEANUP_FIRST_DELAY = timedelta(minutes=1)
MAX_DELAY = timedelta(hours=1)
_MAX_DOUBLINGS = 10
REMINDER_PAUSE = timedelta(minutes=1)

# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-face-liveness-detection
FACE_FORGETS_AFTER = timedelta(hours=48)

_MAY_FOLLOW = {
    Status.STARTED: {Status.PROCESSING, Status.COMPLETED, Status.ABANDONED, Status.CANCELED},
    Status.PROCESSING: {Status.STARTED, Status.COMPLETED, Status.ABANDONED, Status.CANCELED},
}


def new_session(  # noqa: PLR0913 - a record needs all its facts
    request: StartRequest,
    face_session_id: FaceSessionId,
    *,
    session_id: SessionId,
    token: Secret,
    now: datetime,
    grace: timedelta,
    counted: bool,
) -> Session:
    """Begin: the session lives as long as its token, and a grace."""
    expires_at = now + timedelta(seconds=request.token_seconds)
    return Session(
        session_id=session_id,
        kind=request.kind,
        status=Status.STARTED,
        face_session_id=face_session_id,
        token_hash=hash_token(token),
        device_correlation_id=request.device_correlation_id,
        user_correlation_id=request.user_correlation_id,
        person_sha256=request.person_sha256 if counted else None,
        verify_image_sha256=request.verify_image_sha256,
        created_at=now,
        expires_at=expires_at,
        alarm_at=expires_at + grace,
    )


def is_stale(session: Session, now: datetime, grace: timedelta) -> bool:
    """Tell whether nobody can finish this check any more."""
    return now >= session.expires_at + grace


def is_forgotten_by_face(session: Session, now: datetime) -> bool:
    """Tell whether Face no longer keeps anything of this session."""
    return now >= session.created_at + FACE_FORGETS_AFTER


def with_report(session: Session, report: Report) -> Session:
    """Keep what the frontend said: the first digest, that another differed, else the latest."""
    earlier = session.report
    differ = None not in (earlier.digest, report.digest) and earlier.digest != report.digest
    return replace(
        session,
        report=Report(
            digest=earlier.digest or report.digest,
            digests_differ=earlier.digests_differ or differ,
            result_id=report.result_id or earlier.result_id,
            liveness_error=report.liveness_error or earlier.liveness_error,
            recognition_error=report.recognition_error or earlier.recognition_error,
        ),
    )


def processing(session: Session, now: datetime) -> Session:
    """Wait for a result after a completion was reported."""
    if session.reminded_at is None or now - session.reminded_at >= REMINDER_PAUSE:
        session = replace(session, reminded_at=now)
    if session.status is Status.PROCESSING:
        return session
    # An alarm that is due stays due: reports must not keep a stale session open.
    alarm_at = session.alarm_at if session.alarm_at <= now else now + OPEN_FIRST_DELAY
    return _transition(session, Status.PROCESSING, alarm_at=alarm_at, alarm_delays=1)


def reopened(session: Session, grace: timedelta) -> Session:
    """Let the person try again after a try that failed on the device."""
    if session.status is Status.STARTED:
        return session
    return _transition(session, Status.STARTED, alarm_at=session.expires_at + grace, alarm_delays=0)


def completed(session: Session, verdict: Verdict, now: datetime) -> Session:
    """End with a verdict on what Face said."""
    return replace(_end(session, Status.COMPLETED, now), verdict=verdict)


def abandoned(session: Session, now: datetime) -> Session:
    """End because nobody finished in time."""
    return _end(session, Status.ABANDONED, now)


def canceled(session: Session, now: datetime) -> Session:
    """End because the frontend gave up."""
    return _end(session, Status.CANCELED, now)


def postponed(session: Session, now: datetime) -> Session:
    """Move the alarm on, twice as far as the last time, up to an hour."""
    first = CLEANUP_FIRST_DELAY if session.is_final else OPEN_FIRST_DELAY
    alarm_at = now + backoff_delay(first, session.alarm_delays)
    return replace(session, alarm_at=alarm_at, alarm_delays=session.alarm_delays + 1)


def backoff_delay(first: timedelta, delays: int) -> timedelta:
    """Double a delay for each one before it, up to an hour."""
    doublings = min(max(delays, 0), _MAX_DOUBLINGS)
    return min(first * (1 << doublings), MAX_DELAY)


def face_data_deleted(session: Session, retention: timedelta) -> Session:
    """Keep only our record, until its retention ends; Face has nothing of it any more."""
    if session.ended_at is None:
        raise ValueError("only a final session can be without its data at Face")
    return replace(
        session,
        has_face_data=False,
        alarm_at=session.ended_at + retention,
        alarm_delays=0,
    )


def _end(session: Session, status: Status, now: datetime) -> Session:
    return _transition(session, status, ended_at=now, alarm_at=now, alarm_delays=0)


def _transition(
    session: Session,
    status: Status,
    *,
    alarm_at: datetime,
    alarm_delays: int,
    ended_at: datetime | None = None,
) -> Session:
    if status not in _MAY_FOLLOW.get(session.status, ()):
        raise ValueError(f"{status} may not follow {session.status}")
    return replace(
        session, status=status, alarm_at=alarm_at, alarm_delays=alarm_delays, ended_at=ended_at
    )
