"""What has happened, as CloudEvents: ids and endings, and nothing that names or describes a person.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from shared.session.erasure import Receipt
from shared.session.session import Session, Status
from shared.session.timestamps import rfc3339


class EventType(StrEnum):
    """What an event tells."""

    SESSION_COMPLETED = "FaceLiveness.SessionCompleted"
    SESSION_ABANDONED = "FaceLiveness.SessionAbandoned"
    SESSION_CANCELED = "FaceLiveness.SessionCanceled"
    PERSON_LOCKED = "FaceLiveness.PersonLocked"
    PERSON_ERASED = "FaceLiveness.PersonErased"


class CloudEvent(TypedDict):
    """An event as JSON has it; `time` is that of what happened, not of the telling."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Mapping[str, object]


_ENDINGS: Mapping[Status, EventType] = {
    Status.COMPLETED: EventType.SESSION_COMPLETED,
    Status.ABANDONED: EventType.SESSION_ABANDONED,
    Status.CANCELED: EventType.SESSION_CANCELED,
}


def source_of(environment_name: str) -> str:
    """Name a deployment of this app."""
    return f"/face-liveness/{environment_name}"


def ending_event(source: str, session: Session) -> CloudEvent:
    """Tell how a session ended."""
    verdict, ended_at = session.verdict, _end_of(session)
    data = {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        "outcome": verdict.outcome if verdict else None,
        "reasons": [*session.reasons],
        "reference": session.reference,
        "endedAt": rfc3339(ended_at),
    }
    return _event(source, _ENDINGS[session.status], _subject_of(session), ended_at, data)


def lock_event(source: str, session: Session, locked_until: datetime) -> CloudEvent:
    """Tell that a session's failure has locked its person, who is not named."""
    data = {
        "sessionId": session.session_id,
        "kind": session.kind,
        "lockedUntil": rfc3339(locked_until),
    }
    return _event(source, EventType.PERSON_LOCKED, _subject_of(session), _end_of(session), data)


def erasure_event(source: str, receipt: Receipt) -> CloudEvent:
    """Tell that a person has been erased, but not who."""
    data = {"receiptId": receipt.receipt_id, "sessions": receipt.sessions}
    subject = f"receipts/{receipt.receipt_id}"
    return _event(source, EventType.PERSON_ERASED, subject, receipt.ended_at, data)


def _event(
    source: str, event_type: EventType, subject: str, at: datetime, data: Mapping[str, object]
) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        # What, and of which: whoever gets it twice knows it again.
        id=f"{event_type.rpartition('.')[2]}:{subject.rpartition('/')[2]}",
        source=source,
        type=event_type,
        subject=subject,
        time=rfc3339(at),
        data=data,
    )


def _subject_of(session: Session) -> str:
    return f"sessions/{session.session_id}"


def _end_of(session: Session) -> datetime:
    if session.ended_at is None:
        raise ValueError("only an ending is told")
    return session.ended_at
