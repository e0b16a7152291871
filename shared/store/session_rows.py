"""A session as a table row and back: the one place that knows the columns."""

from collections.abc import Mapping
from datetime import datetime

from shared.session.alarm import OPEN_FIRST_DELAY, Alarm, backoff_delay
from shared.session.ids import FaceSessionId, SessionId, shard_of
from shared.session.session import (
    Comparison,
    Kind,
    Outcome,
    Reason,
    Report,
    Session,
    Status,
    Verdict,
)
from shared.session.shard import PersonHash, Shard
from shared.session.timestamps import rfc3339
from shared.store.columns import Columns, Row

_SESSION = "session-"
ALARM = "alarm-"
ALARM_COLUMN = "alarmAt"
_DELAYS = "setAside"
# Where an alarm's key has its time: 2026-11-20T22:00:00.000Z
_TIME = slice(len(ALARM), len(ALARM) + 24)
CLAIM = "key-"


def session_key(session_id: SessionId) -> str:
    """Name the row of a session."""
    return _SESSION + session_id


def alarm_key(session: Session) -> str:
    """Name the row of a session's alarm, time first, so that what is due is one range of keys."""
    return f"{ALARM}{rfc3339(session.alarm_at)}-{session.session_id}"


def due_range(now: datetime) -> tuple[str, str]:
    """Bound the keys of all alarms that have rung: from the first, up to but without the last."""
    return ALARM, f"{ALARM}{rfc3339(now)}~"


def alarm_from_key(shard: Shard, key: str) -> Alarm:
    """Read what an alarm is for: a session, or the end of an idempotency key."""
    _, _, owner = key.rpartition("-")
    return Alarm(
        shard=shard,
        session_id=None if CLAIM in key else SessionId(owner),
        row_key=key,
        due_at=_rang_at(key),
    )


def _rang_at(key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(key[_TIME])
    except ValueError:
        return None


def row_key_of_owner(alarm: Alarm) -> str:
    """Name the row that an alarm is for."""
    owner = alarm.row_key.rpartition("-")[2]
    return CLAIM + owner if alarm.session_id is None else session_key(alarm.session_id)


def moved_alarm(alarm: Alarm, delays: int, now: datetime) -> Row:
    """Write an alarm anew for later, the later the more often that was done."""
    later = rfc3339(now + backoff_delay(OPEN_FIRST_DELAY, delays))
    rest = alarm.row_key[_TIME.stop :]
    return {
        "PartitionKey": alarm.shard,
        "RowKey": f"{ALARM}{later}{rest}",
        _DELAYS: delays + 1,
    }


def alarm_time(row: Row) -> str:
    """Read when an alarm rings, as its session's row has it."""
    return str(row["RowKey"])[_TIME]


def delays_from_row(row: Row) -> int:
    """Read how often an alarm was set aside."""
    delays = row.get(_DELAYS)
    return delays if isinstance(delays, int) else 0


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
        "personSha256": session.person_sha256,
        "verifyImageSha256": session.verify_image_sha256,
        "createdAt": rfc3339(session.created_at),
        "expiresAt": rfc3339(session.expires_at),
        "endedAt": rfc3339(session.ended_at) if session.ended_at else None,
        "atFace": session.has_face_data,
        ALARM_COLUMN: rfc3339(session.alarm_at),
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


def session_from_row(row: Mapping[str, object], version: str) -> Session:
    """Read a session; KeyError, ValueError or TypeError when the row is none of ours."""
    read = Columns(row)
    status = Status(read.text("status"))
    return Session(
        session_id=SessionId(read.text("RowKey").removeprefix(_SESSION)),
        kind=Kind(read.text("kind")),
        status=status,
        face_session_id=FaceSessionId(read.text("faceSessionId")),
        token_hash=read.text("sessionTokenSha256"),
        device_correlation_id=read.optional("deviceCorrelationId", str),
        user_correlation_id=read.optional("userCorrelationId", str),
        person_sha256=_person_hash(read),
        verify_image_sha256=read.optional("verifyImageSha256", str),
        created_at=read.time("createdAt"),
        expires_at=read.time("expiresAt"),
        ended_at=read.time("endedAt") if status.is_final else None,
        has_face_data=read.required("atFace", bool),
        alarm_at=read.time(ALARM_COLUMN),
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


def _person_hash(read: Columns) -> PersonHash | None:
    digest = read.optional("personSha256", str)
    return None if digest is None else PersonHash(digest)


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
        reasons=tuple(map(Reason, reasons.split(","))) if reasons else (),
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
