from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from shared.events import cloud_event
from shared.events.cloud_event import CloudEvent
from shared.session.erasure import Receipt
from shared.session.session import Kind, Outcome, Reason, Session, Status, Verdict
from shared.session.timestamps import rfc3339
from tests.support.any_records import SESSIONS
from tests.support.builders import NOW, SESSION_ID, a_session

SOURCE = "/face-liveness/production"
UNTOLD = Verdict(outcome=Outcome.REJECTED, match_confidence=0.5, model_version="planted")


def an_ended_session(status: Status = Status.COMPLETED, verdict: Verdict | None = None) -> Session:
    return a_session(status=status, ended_at=NOW, verdict=verdict)


def ending_event(session: Session) -> CloudEvent:
    return cloud_event.ending_event(SOURCE, session)


def test_a_completed_session_is_told_with_its_outcome_and_the_reasons() -> None:
    verdict = Verdict(outcome=Outcome.REJECTED, reasons=(Reason.SPOOF, Reason.DIFFERENT_PERSON))

    ended = replace(an_ended_session(verdict=verdict), reference="order-1")

    assert ending_event(ended) == {
        "specversion": "1.0",
        "id": f"SessionCompleted:{SESSION_ID}",
        "source": "/face-liveness/production",
        "type": "FaceLiveness.SessionCompleted",
        "subject": f"sessions/{SESSION_ID}",
        "time": "2026-03-04T05:06:07.000Z",
        "data": {
            "sessionId": SESSION_ID,
            "kind": "liveness",
            "status": "completed",
            "outcome": "rejected",
            "reasons": ["Spoof", "DifferentPerson"],
            "reference": "order-1",
            "endedAt": "2026-03-04T05:06:07.000Z",
        },
    }


@pytest.mark.parametrize(
    ("status", "name"),
    [(Status.ABANDONED, "SessionAbandoned"), (Status.CANCELED, "SessionCanceled")],
)
def test_a_session_without_an_outcome_is_told_by_its_own_type_with_all_the_keys(
    status: Status, name: str
) -> None:
    told = ending_event(an_ended_session(status))

    assert (told["type"], told["id"]) == (f"FaceLiveness.{name}", f"{name}:{SESSION_ID}")
    assert told["data"] == {
        "sessionId": SESSION_ID,
        "kind": "liveness",
        "status": status,
        "outcome": None,
        "reasons": [],
        "reference": None,
        "endedAt": "2026-03-04T05:06:07.000Z",
    }


@given(other=SESSIONS)
@settings(max_examples=100, deadline=None)
def test_an_event_depends_on_no_correlation_id_digest_or_confidence_nor_on_anything_else_untold(
    other: Session,
) -> None:
    session = an_ended_session(verdict=Verdict(outcome=Outcome.PASSED))
    same = replace(
        other,
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        ended_at=session.ended_at,
        reference=session.reference,
        is_canceled_during_check=False,
        verdict=replace(other.verdict or UNTOLD, outcome=Outcome.PASSED, reasons=()),
    )

    assert ending_event(same) == ending_event(session)


def test_what_has_not_ended_is_not_told() -> None:
    with pytest.raises(ValueError, match="only an ending is told"):
        ending_event(a_session(kind=Kind.LIVENESS))


def test_a_lock_and_an_erasure_are_told_without_a_name() -> None:
    session = a_session(status=Status.COMPLETED, ended_at=NOW)
    receipt = Receipt(
        receipt_id=SESSION_ID, sessions=3, begun_at=NOW, erased_at=NOW + timedelta(minutes=1)
    )

    lock = cloud_event.lock_event(SOURCE, session, NOW + timedelta(minutes=5))
    erasure = cloud_event.erasure_event(SOURCE, receipt)

    assert (lock["id"], lock["subject"]) == (f"PersonLocked:{SESSION_ID}", f"sessions/{SESSION_ID}")
    assert lock["data"] == {
        "sessionId": SESSION_ID,
        "kind": "liveness",
        "lockedUntil": rfc3339(NOW + timedelta(minutes=5)),
    }
    assert (erasure["id"], erasure["subject"]) == (
        f"PersonErased:{SESSION_ID}",
        f"receipts/{SESSION_ID}",
    )
    assert (erasure["time"], erasure["data"]) == (
        rfc3339(NOW + timedelta(minutes=1)),
        {"receiptId": SESSION_ID, "sessions": 3},
    )
    with pytest.raises(ValueError, match="only an ending is told"):
        cloud_event.erasure_event(SOURCE, replace(receipt, erased_at=None))
