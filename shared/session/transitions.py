"""The steps of a session's life: which may follow which, and when its alarm is due then."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.secret import Secret
from shared.session.alarm import REPORTED_DELAY, next_alarm_at
from shared.session.caller import Caller
from shared.session.face_answer import FaceSession
from shared.session.face_reply import FaceRequestIds
from shared.session.ids import SessionId
from shared.session.kept_image import KeptImage
from shared.session.person import SealedPerson
from shared.session.session import Session, Status, Verdict
from shared.session.session_token import hash_token
from shared.session.start_request import StartRequest
from shared.session.stops import with_stop_done

_MAY_FOLLOW = {
    Status.STARTED: {Status.PROCESSING, Status.COMPLETED, Status.ABANDONED, Status.CANCELED},
    Status.PROCESSING: {Status.STARTED, Status.COMPLETED, Status.ABANDONED, Status.CANCELED},
}


def new_session(  # noqa: PLR0913 - a record needs all its facts
    request: StartRequest,
    face: FaceSession,
    *,
    session_id: SessionId,
    token: Secret,
    now: datetime,
    grace: timedelta,
    who: SealedPerson,
    created_by: Caller | None = None,
    face_request_id: str | None = None,
) -> Session:
    """Begin: the session lives as long as its token, and a grace."""
    expires_at = now + timedelta(seconds=request.token_seconds)
    return Session(
        session_id=session_id,
        kind=request.kind,
        status=Status.STARTED,
        face_session_id=face.face_session_id,
        token_hash=hash_token(token),
        sealed_device_correlation_id=who.device,
        sealed_user_correlation_id=who.user,
        person=who.person,
        verify_image_sha256=request.verify_image_sha256,
        reference_source=request.reference_source,
        reference_image=face.reference_image,
        face_model_version=face.model_version,
        reference=request.reference,
        created_at=now,
        created_by=created_by,
        expires_at=expires_at,
        image=KeptImage(is_wanted=request.keeps_image),
        face_request_ids=FaceRequestIds(create=face_request_id),
        alarm_at=expires_at + grace,
    )


def processing(session: Session, now: datetime) -> Session:
    """Wait for a result after a completion was reported."""
    if session.status is Status.PROCESSING:
        return session
    # An alarm that is due stays due: reports must not keep a stale session open.
    alarm_at = session.alarm_at if session.alarm_at <= now else now + REPORTED_DELAY
    _check_may_follow(session, Status.PROCESSING)
    return replace(session, status=Status.PROCESSING, alarm_at=alarm_at, alarm_delays=0)


def reopened(session: Session, grace: timedelta) -> Session:
    """Let the person try again after a try that failed on the device."""
    if session.status is Status.STARTED:
        return session
    _check_may_follow(session, Status.STARTED)
    alarm_at = session.expires_at + grace
    return replace(session, status=Status.STARTED, alarm_at=alarm_at, alarm_delays=0)


def completed(session: Session, verdict: Verdict, now: datetime) -> Session:
    """End with a verdict on what Face said."""
    return _end(session, Status.COMPLETED, now, verdict=verdict)


def abandoned(session: Session, now: datetime) -> Session:
    """End because nobody finished in time."""
    return _end(session, Status.ABANDONED, now)


def canceled(session: Session, now: datetime, *, during_check: bool = False) -> Session:
    """End because the frontend gave up, be it while a device was at work."""
    return _end(session, Status.CANCELED, now, is_canceled_during_check=during_check)


def postponed(session: Session, now: datetime) -> Session:
    """Move the alarm on, twice as far as the last time."""
    alarm_at = next_alarm_at(session, now)
    return replace(session, alarm_at=alarm_at, alarm_delays=session.alarm_delays + 1)


def face_data_deleted(session: Session, retention: timedelta) -> Session:
    """Go on without Face, which has nothing of the session any more."""
    return with_stop_done(replace(session, has_face_data=False), retention)


def _end(
    session: Session,
    status: Status,
    now: datetime,
    *,
    verdict: Verdict | None = None,
    is_canceled_during_check: bool = False,
) -> Session:
    _check_may_follow(session, status)
    return replace(
        session,
        status=status,
        ended_at=now,
        alarm_at=now,
        alarm_delays=0,
        awaits_digest=False,
        verdict=verdict,
        is_canceled_during_check=is_canceled_during_check,
    )


def _check_may_follow(session: Session, status: Status) -> None:
    if status not in _MAY_FOLLOW.get(session.status, ()):
        raise ValueError(f"{status} may not follow {session.status}")
