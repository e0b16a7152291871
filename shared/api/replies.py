"""From our values to the bodies of replies, field by field."""

from datetime import datetime
from math import ceil

from shared.flow.start import Started
from shared.session.face_answer import ReferenceImage
from shared.session.session import Kind, Session, Verdict, rfc3339


def start_body(started: Started, now: datetime) -> dict[str, object]:
    """Tell of a new session, with its tokens."""
    session = started.session
    body: dict[str, object] = {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        "authToken": started.auth_token.reveal(),
        "sessionToken": started.session_token.reveal(),
        **_expiry(session, now),
    }
    if session.kind is Kind.LIVENESS_WITH_VERIFY:
        body["referenceImage"] = _reference_image(started.reference_image)
    return body


def status_body(session: Session, now: datetime) -> dict[str, object]:
    """Tell where a session is, and never how it ended."""
    return {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        **_expiry(session, now),
    }


def complete_body(session: Session) -> dict[str, object]:
    """Tell what a completion has led to, and never the outcome."""
    return {"sessionId": session.session_id, "status": session.status}


def result_body(session: Session) -> dict[str, object]:
    """Tell how a session ended."""
    verdict, report = session.verdict, session.report
    return {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        "outcome": verdict and verdict.outcome,
        "reasons": list(verdict.reasons) if verdict else [],
        "livenessDecision": verdict and verdict.liveness_decision,
        "attempt": _attempt(verdict),
        "verify": _verify(session.kind, verdict),
        "digest": verdict and verdict.digest,
        "reported": {
            "resultId": report.result_id,
            "livenessError": report.liveness_error,
            "recognitionError": report.recognition_error,
        },
        "modelVersion": verdict and verdict.model_version,
        "deviceCorrelationId": session.device_correlation_id,
        "userCorrelationId": session.user_correlation_id,
        "createdAt": rfc3339(session.created_at),
        "endedAt": _time(session.ended_at),
    }


def _expiry(session: Session, now: datetime) -> dict[str, object]:
    left = (session.expires_at - now).total_seconds()
    return {"expiresAt": rfc3339(session.expires_at), "expiresInSeconds": max(0, ceil(left))}


def _reference_image(image: ReferenceImage | None) -> dict[str, object]:
    return {
        "qualityForRecognition": image and image.quality,
        "faceRectangle": image and image.face_rectangle,
    }


def _attempt(verdict: Verdict | None) -> dict[str, object]:
    return {
        "attemptId": verdict and verdict.attempt_id,
        "attemptCount": verdict and verdict.attempt_count,
        "errorCode": verdict and verdict.error_code,
    }


def _verify(kind: Kind, verdict: Verdict | None) -> dict[str, object] | None:
    if kind is not Kind.LIVENESS_WITH_VERIFY:
        return None
    return {
        "isIdentical": verdict and verdict.is_identical,
        "matchConfidence": verdict and verdict.match_confidence,
        "verifyImageHash": verdict and verdict.verify_image_hash,
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
