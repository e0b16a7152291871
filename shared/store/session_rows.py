"""A session as a table row and back: the one place that knows the columns."""

from collections.abc import Mapping
from datetime import datetime

from shared.session.session import (
    Comparison,
    Kind,
    Outcome,
    Report,
    Session,
    Status,
    Verdict,
    rfc3339,
    shard_of,
)
from shared.store import row_keys
from shared.store.columns import Columns, Row, row_at

_ALARM_AT = "alarmAt"


def session_row(session: Session) -> Row:
    """Write a session; what is unknown has no column."""
    report, verdict = session.report, session.verdict
    columns = {
        **row_at(shard_of(session.session_id), row_keys.session_key(session.session_id)),
        "kind": session.kind.value,
        "status": session.status.value,
        "faceSessionId": session.face_session_id,
        "sessionTokenSha256": session.token_hash,
        "deviceCorrelationId": session.device_correlation_id,
        "userCorrelationId": session.user_correlation_id,
        "personSha256": session.person_sha256,
        "verifyImageSha256": session.verify_image_sha256,
        "createdAt": rfc3339(session.created_at),
        "expiresAt": rfc3339(session.expires_at),
        "endedAt": rfc3339(session.ended_at) if session.ended_at else None,
        "atFace": session.has_face_data,
        _ALARM_AT: rfc3339(session.alarm_at),
        "alarmDelays": session.alarm_delays,
        "remindedAt": rfc3339(session.reminded_at) if session.reminded_at else None,
        "reportedDigest": report.digest,
        "reportedDigestsDiffer": report.digests_differ,
        "reportedResultId": report.result_id,
        "reportedLivenessError": report.liveness_error,
        "reportedRecognitionError": report.recognition_error,
        **(_verdict_columns(verdict) if verdict else {}),
    }
    return {name: value for name, value in columns.items() if value is not None}


def alarm_columns(due_at: datetime) -> Row:
    """Write when a session's alarm is due, and nothing else of it."""
    return {_ALARM_AT: rfc3339(due_at)}


def session_from_row(row: Mapping[str, object], version: str) -> Session:
    """Read a session; KeyError, ValueError or TypeError when the row is none of ours."""
    read = Columns(row)
    status = Status(read.text("status"))
    return Session(
        session_id=row_keys.session_id_from_key(read.text("RowKey")),
        kind=Kind(read.text("kind")),
        status=status,
        face_session_id=read.text("faceSessionId"),
        token_hash=read.text("sessionTokenSha256"),
        device_correlation_id=read.optional("deviceCorrelationId", str),
        user_correlation_id=read.optional("userCorrelationId", str),
        person_sha256=read.optional("personSha256", str),
        verify_image_sha256=read.optional("verifyImageSha256", str),
        created_at=read.time("createdAt"),
        expires_at=read.time("expiresAt"),
        ended_at=read.time("endedAt") if status.is_final else None,
        has_face_data=read.required("atFace", bool),
        alarm_at=read.time(_ALARM_AT),
        alarm_delays=read.required("alarmDelays", int),
        reminded_at=read.time("remindedAt") if "remindedAt" in row else None,
        report=Report(
            digest=read.optional("reportedDigest", str),
            digests_differ=read.required("reportedDigestsDiffer", bool),
            result_id=read.optional("reportedResultId", str),
            liveness_error=read.optional("reportedLivenessError", str),
            recognition_error=read.optional("reportedRecognitionError", str),
        ),
        verdict=_verdict(read) if "outcome" in row else None,
        version=version,
    )


def _verdict_columns(verdict: Verdict) -> Mapping[str, str | int | float | bool | None]:
    return {
        "outcome": verdict.outcome.value,
        "reasons": ",".join(verdict.reasons),
        "livenessDecision": verdict.liveness_decision,
        "attemptId": verdict.attempt_id,
        "attemptCount": verdict.attempt_count,
        "errorCode": verdict.error_code,
        "isIdentical": verdict.is_identical,
        "matchConfidence": verdict.match_confidence,
        "verifyImageHash": verdict.verify_image_hash.value,
        "digest": verdict.digest.value,
        "modelVersion": verdict.model_version,
    }


def _verdict(read: "Columns") -> Verdict:
    reasons = read.text("reasons")
    return Verdict(
        outcome=Outcome(read.text("outcome")),
        reasons=tuple(reasons.split(",")) if reasons else (),
        liveness_decision=read.optional("livenessDecision", str),
        attempt_id=read.optional("attemptId", int),
        attempt_count=read.required("attemptCount", int),
        error_code=read.optional("errorCode", str),
        is_identical=read.optional("isIdentical", bool),
        match_confidence=read.optional("matchConfidence", float),
        verify_image_hash=Comparison(read.text("verifyImageHash")),
        digest=Comparison(read.text("digest")),
        model_version=read.optional("modelVersion", str),
    )
