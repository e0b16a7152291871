"""A session as a table row and back: the one place that knows the columns."""

from collections.abc import Mapping
from datetime import datetime

from shared.sessions import (
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

Row = dict[str, str | int | float | bool]

_SESSION = "session-"
_ALARM = "alarm-"


def session_key(session_id: str) -> str:
    """Name the row of a session."""
    return _SESSION + session_id


def alarm_key(session: Session) -> str:
    """Name the row of a session's alarm, time first, so that what is due is one range of keys."""
    return f"{_ALARM}{rfc3339(session.alarm_at)}-{session.session_id}"


def due_keys(now: datetime) -> tuple[str, str]:
    """Bound the keys of all alarms that have rung: from the first, up to but without the last."""
    return _ALARM, f"{_ALARM}{rfc3339(now)}~"


def session_id_of_alarm(key: str) -> str:
    """Read whose alarm a row is."""
    return key.rpartition("-")[2]


def alarm_row(session: Session) -> Row:
    """Write a session's alarm."""
    return {"PartitionKey": shard_of(session.session_id), "RowKey": alarm_key(session)}


def session_row(session: Session) -> Row:
    """Write a session; what is unknown has no column."""
    report, verdict = session.report, session.verdict
    columns = {
        "PartitionKey": shard_of(session.session_id),
        "RowKey": session_key(session.session_id),
        "kind": session.kind.value,
        "status": session.status.value,
        "faceSessionId": session.face_session_id,
        "sessionTokenSha256": session.token_hash,
        "deviceCorrelationId": session.device_correlation_id,
        "userCorrelationId": session.user_correlation_id,
        "verifyImageSha256": session.verify_image_sha256,
        "createdAt": rfc3339(session.created_at),
        "expiresAt": rfc3339(session.expires_at),
        "endedAt": rfc3339(session.ended_at) if session.ended_at else None,
        "atFace": session.at_face,
        "alarmAt": rfc3339(session.alarm_at),
        "alarmDelays": session.alarm_delays,
        "reportedDigest": report.digest,
        "reportedDigestsDiffer": report.digests_differ,
        "reportedResultId": report.result_id,
        "reportedLivenessError": report.liveness_error,
        "reportedRecognitionError": report.recognition_error,
        **(_verdict_columns(verdict) if verdict else {}),
    }
    return {name: value for name, value in columns.items() if value is not None}


def session_from_row(row: Mapping[str, object], version: str) -> Session:
    """Read a session; KeyError, ValueError or TypeError when the row is none of ours."""
    read = _Columns(row)
    status = Status(read.text("status"))
    return Session(
        session_id=read.text("RowKey").removeprefix(_SESSION),
        kind=Kind(read.text("kind")),
        status=status,
        face_session_id=read.text("faceSessionId"),
        token_hash=read.text("sessionTokenSha256"),
        device_correlation_id=read.maybe("deviceCorrelationId", str),
        user_correlation_id=read.maybe("userCorrelationId", str),
        verify_image_sha256=read.maybe("verifyImageSha256", str),
        created_at=read.time("createdAt"),
        expires_at=read.time("expiresAt"),
        ended_at=read.time("endedAt") if status.is_final else None,
        at_face=read.known("atFace", bool),
        alarm_at=read.time("alarmAt"),
        alarm_delays=read.known("alarmDelays", int),
        report=Report(
            digest=read.maybe("reportedDigest", str),
            digests_differ=read.known("reportedDigestsDiffer", bool),
            result_id=read.maybe("reportedResultId", str),
            liveness_error=read.maybe("reportedLivenessError", str),
            recognition_error=read.maybe("reportedRecognitionError", str),
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


def _verdict(read: "_Columns") -> Verdict:
    reasons = read.text("reasons")
    return Verdict(
        outcome=Outcome(read.text("outcome")),
        reasons=tuple(reasons.split(",")) if reasons else (),
        liveness_decision=read.maybe("livenessDecision", str),
        attempt_id=read.maybe("attemptId", int),
        attempt_count=read.known("attemptCount", int),
        error_code=read.maybe("errorCode", str),
        is_identical=read.maybe("isIdentical", bool),
        match_confidence=read.maybe("matchConfidence", float),
        verify_image_hash=Comparison(read.text("verifyImageHash")),
        digest=Comparison(read.text("digest")),
        model_version=read.maybe("modelVersion", str),
    )


class _Columns:
    """Reads columns as what they must be, so that a strange row is noticed here."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self._row = row

    def known[T](self, name: str, kind: type[T]) -> T:
        value = self._row[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is not {kind.__name__}")
        return value

    def maybe[T](self, name: str, kind: type[T]) -> T | None:
        return self.known(name, kind) if self._row.get(name) is not None else None

    def text(self, name: str) -> str:
        return self.known(name, str)

    def time(self, name: str) -> datetime:
        moment = datetime.fromisoformat(self.text(name))
        if moment.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
        return moment
