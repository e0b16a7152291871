"""From our values to the bodies of replies."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType, convert, json, structs

from shared.api import contract
from shared.session.attempts import RecordedAttempt
from shared.session.caller import Caller
from shared.session.erasure import Receipt
from shared.session.face_answer import ReferenceImage
from shared.session.looks import seconds_until
from shared.session.person import CorrelationIds
from shared.session.session import Kind, Report, Session, Status, Verdict
from shared.session.started import Started
from shared.session.timestamps import rfc3339

if TYPE_CHECKING:
    from shared.flow.persons import SessionPage

_NO_IMAGE = ReferenceImage(quality=None, face_rectangle=None)
_NO_VERIFY = contract.ResultVerify(is_identical=None, match_confidence=None, verify_image_hash=None)


def start_reply(started: Started, now: datetime) -> contract.StartReply:
    """Tell of a new session, with its tokens."""
    session = started.session
    return contract.StartReply(
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        auth_token=started.auth_token.reveal(),
        session_token=started.session_token.reveal(),
        expires_at=rfc3339(session.expires_at),
        expires_in_seconds=_seconds_left(session, now),
        model_version=session.face_model_version,
        reference=session.reference,
        reference_image=_start_reference_image(session),
    )


def status_reply(session: Session, now: datetime) -> contract.StatusReply:
    """Tell where a session is."""
    return contract.StatusReply(
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        expires_at=rfc3339(session.expires_at),
        expires_in_seconds=_seconds_left(session, now),
        retry_after_seconds=_retry_after_seconds(session, now),
    )


def complete_reply(session: Session, now: datetime) -> contract.CompleteReply:
    """Tell what a completion has led to."""
    return contract.CompleteReply(
        session_id=session.session_id,
        status=session.status,
        retry_after_seconds=_retry_after_seconds(session, now),
    )


def result_reply(session: Session, ids: CorrelationIds) -> contract.ResultReply:
    """Tell how a session ended."""
    reply = contract.ResultReply(
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        outcome=None,
        reasons=session.reasons,
        liveness_decision=None,
        attempt=contract.ResultAttempt(attempt_id=None, attempt_count=None, error_code=None),
        verify=_NO_VERIFY if session.kind is Kind.LIVENESS_WITH_VERIFY else None,
        digest=None,
        late_digest=session.late_digest,
        reported=_report(session.report),
        reference=session.reference,
        attempts=(),
        reference_image=_reference_image(session),
        model_version=None,
        session_image=session.image.state,
        face_attributes=_face_attributes(session),
        face_request_ids=contract.ResultFaceRequestIds(**asdict(session.face_request_ids)),
        device_correlation_id=ids.device,
        user_correlation_id=ids.user,
        created_at=rfc3339(session.created_at),
        expires_at=rfc3339(session.expires_at),
        ended_at=rfc3339(session.ended_at) if session.ended_at else None,
        consumed_at=rfc3339(session.consumed_at) if session.consumed_at else None,
        consumer=session.consumer,
        created_by=_created_by(session.created_by),
    )
    return reply if session.verdict is None else _with_verdict(reply, session.verdict)


def erase_reply(receipt: Receipt) -> contract.EraseReply:
    """Tell how far an erasure is."""
    return contract.EraseReply(
        receipt_id=receipt.receipt_id,
        sessions=receipt.sessions,
        status=receipt.status,
        erased_at=rfc3339(receipt.erased_at) if receipt.erased_at else None,
    )


def list_reply(page: "SessionPage") -> contract.ListReply:
    """Tell of a person's sessions."""
    return contract.ListReply(
        sessions=tuple(map(_list_item, page.sessions)), continuation=page.continuation
    )


def _list_item(session: Session) -> contract.ListedSession:
    return contract.ListedSession(
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        outcome=session.verdict.outcome if session.verdict else None,
        created_at=rfc3339(session.created_at),
        ended_at=rfc3339(session.ended_at) if session.ended_at else None,
    )


def _with_verdict(reply: contract.ResultReply, verdict: Verdict) -> contract.ResultReply:
    judged = structs.replace(
        reply,
        outcome=verdict.outcome,
        liveness_decision=verdict.liveness_decision,
        attempt=contract.ResultAttempt(
            attempt_id=verdict.attempt_id,
            attempt_count=verdict.attempt_count,
            error_code=verdict.error_code,
        ),
        attempts=tuple(map(_attempt, verdict.attempts)),
        digest=verdict.digest,
        model_version=verdict.model_version,
    )
    return judged if reply.verify is None else structs.replace(judged, verify=_verify(verdict))


def _report(report: Report) -> contract.ResultReport:
    return contract.ResultReport(
        result_id=report.result_id,
        liveness_error=report.liveness_error,
        recognition_error=report.recognition_error,
    )


def _face_attributes(session: Session) -> tuple[dict[str, Any], ...] | None:
    seen = session.image.face_attributes
    return None if seen is None else json.decode(seen, type=tuple[dict[str, Any], ...])


def _created_by(caller: Caller | None) -> contract.ResultCaller | None:
    if caller is None:
        return None
    return contract.ResultCaller(app_id=caller.app_id, object_id=caller.object_id)


def _verify(verdict: Verdict) -> contract.ResultVerify:
    return contract.ResultVerify(
        is_identical=verdict.is_identical,
        match_confidence=verdict.match_confidence,
        verify_image_hash=verdict.verify_image_hash,
    )


def _attempt(attempt: RecordedAttempt) -> contract.RecordedAttempt:
    return contract.RecordedAttempt(
        attempt_id=attempt.attempt_id,
        status=attempt.status,
        liveness_decision=attempt.liveness_decision,
        error_code=attempt.error_code,
        error_message=attempt.error_message,
        face_rectangle=_rectangle(attempt.face_rectangle),
    )


def _start_reference_image(session: Session) -> contract.StartReferenceImage | UnsetType:
    if session.kind is not Kind.LIVENESS_WITH_VERIFY:
        return UNSET
    image = session.reference_image or _NO_IMAGE
    return contract.StartReferenceImage(
        quality_for_recognition=image.quality, face_rectangle=_rectangle(image.face_rectangle)
    )


def _reference_image(session: Session) -> contract.ResultReferenceImage | None:
    if session.reference_source is None:
        return None
    image = session.reference_image or _NO_IMAGE
    return contract.ResultReferenceImage(
        source=session.reference_source,
        quality_for_recognition=image.quality,
        face_rectangle=_rectangle(image.face_rectangle),
    )


def _rectangle(sides: Mapping[str, int] | None) -> contract.FaceRectangle | None:
    return None if sides is None else contract.FaceRectangle(**sides)


def _seconds_left(session: Session, now: datetime) -> int:
    return max(0, ceil((session.expires_at - now).total_seconds()))


def _retry_after_seconds(session: Session, now: datetime) -> int | UnsetType:
    if session.status is not Status.PROCESSING:
        return UNSET
    return max(1, seconds_until(session.look_at, now))


def ready_reply(parts: Mapping[str, str]) -> contract.ReadyReply:
    """Say of each part that it can be used, or is off."""
    return contract.ReadyReply(status="ready", parts=convert({**parts}, contract.ReadyParts))
