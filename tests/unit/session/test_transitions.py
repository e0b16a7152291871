import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session import transitions
from shared.session.caller import Caller
from shared.session.face_answer import FaceSession
from shared.session.face_reply import FaceRequestIds
from shared.session.ids import FaceSessionId
from shared.session.kept_image import KeptImage
from shared.session.person import SealedPerson
from shared.session.reference import ReferenceSource
from shared.session.session import Kind, Outcome, Session, Status, Verdict
from tests.support.builders import (
    GRACE,
    NOW,
    PERSON,
    PNG,
    REFERENCE_IMAGE,
    RETENTION,
    SESSION_ID,
    TOKEN,
    a_request,
    a_session,
)

LATER = NOW + timedelta(minutes=3)
VERDICT = Verdict(outcome=Outcome.PASSED)
FINAL = [Status.COMPLETED, Status.ABANDONED, Status.CANCELED]

Step = Callable[[Session], Session]
STEPS: dict[str, Step] = {
    "processing": lambda session: transitions.processing(session, LATER),
    "reopened": lambda session: transitions.reopened(session, GRACE),
    "completed": lambda session: transitions.completed(session, VERDICT, LATER),
    "abandoned": lambda session: transitions.abandoned(session, LATER),
    "canceled": lambda session: transitions.canceled(session, LATER),
    "postponed": lambda session: transitions.postponed(session, LATER),
    "face_data_deleted": lambda session: transitions.face_data_deleted(session, RETENTION),
}


FACE_SESSION = FaceSession(
    face_session_id=FaceSessionId("face-1"),
    auth_token=TOKEN,
    model_version="2024-11-15",
    reference_image=REFERENCE_IMAGE,
)
CALLER = Caller(app_id="app-1", object_id="object-1")
A_PERSON = SealedPerson(person=PERSON, device="sealed-device", user="sealed-user")


new_session = transitions.new_session(
    replace(a_request(image=PNG, user="user-1", reference="order-1"), keeps_image=True),
    FACE_SESSION,
    session_id=SESSION_ID,
    token=TOKEN,
    now=NOW,
    grace=GRACE,
    who=A_PERSON,
    created_by=CALLER,
    face_request_id="request-1",
)


def test_a_new_session_keeps_what_was_asked_and_no_secret() -> None:
    assert new_session == a_session(
        kind=Kind.LIVENESS_WITH_VERIFY,
        face_session_id="face-1",
        sealed_device_correlation_id="sealed-device",
        sealed_user_correlation_id="sealed-user",
        person=PERSON,
        verify_image_sha256=hashlib.sha256(PNG).hexdigest(),
        reference_source=ReferenceSource.SERVER,
        reference_image=REFERENCE_IMAGE,
        face_model_version="2024-11-15",
        reference="order-1",
        created_by=CALLER,
        image=KeptImage(is_wanted=True),
        face_request_ids=FaceRequestIds(create="request-1"),
    )


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=3)])
def test_a_report_does_not_put_off_an_alarm_that_is_due(late: timedelta) -> None:
    session = a_session()

    assert transitions.processing(session, session.alarm_at + late).alarm_at == session.alarm_at


def test_a_reported_completion_is_looked_at_a_minute_later() -> None:
    session = transitions.processing(a_session(alarm_delays=3), LATER)

    assert session == a_session(
        status=Status.PROCESSING,
        alarm_at=LATER + timedelta(minutes=1),
    )


def test_a_second_report_does_not_move_the_alarm() -> None:
    session = transitions.processing(a_session(), NOW)

    assert transitions.processing(session, LATER) == session


def test_a_person_who_tries_again_has_until_the_token_expires() -> None:
    session = replace(transitions.processing(a_session(), NOW), alarm_delays=3)

    assert transitions.reopened(session, GRACE) == a_session()
    assert transitions.reopened(a_session(alarm_delays=3), GRACE) == a_session(alarm_delays=3)


@pytest.mark.parametrize("before", [Status.STARTED, Status.PROCESSING])
@pytest.mark.parametrize("status", FINAL)
def test_an_ended_session_is_looked_at_with_the_next_tick(before: Status, status: Status) -> None:
    session = STEPS[status.value](a_session(status=before, alarm_delays=4))

    expected = a_session(status=status, ended_at=LATER, alarm_at=LATER, alarm_delays=0)
    assert (session if status is not Status.COMPLETED else strip(session)) == expected


def strip(session: Session) -> Session:
    assert session.verdict == VERDICT
    return a_session(status=session.status, ended_at=session.ended_at, alarm_at=session.alarm_at)


@pytest.mark.parametrize("session", [a_session(), transitions.abandoned(a_session(), NOW)])
def test_an_alarm_doubles_its_delay_up_to_five_minutes_and_after_two_hours_to_an_hour(
    session: Session,
) -> None:
    now, delays = NOW, list[timedelta]()
    while len(delays) < 30:
        session = transitions.postponed(session, now)
        delays.append(session.alarm_at - now)
        now = session.alarm_at

    minutes = [delay / timedelta(minutes=1) for delay in delays]
    assert minutes == [1, 2, 4, *[5] * 23, 60, 60, 60, 60]


def test_an_alarm_that_was_moved_very_often_still_moves() -> None:
    session = transitions.postponed(a_session(alarm_delays=10**6), NOW)

    assert session.alarm_at == NOW + timedelta(minutes=5)


def test_a_clean_session_is_kept_until_its_retention_ends() -> None:
    ended = transitions.canceled(a_session(), LATER)
    session = transitions.postponed(ended, LATER)

    assert transitions.face_data_deleted(session, RETENTION) == a_session(
        status=Status.CANCELED,
        ended_at=LATER,
        has_face_data=False,
        alarm_at=LATER + RETENTION,
        alarm_delays=0,
    )


def test_an_open_session_cannot_be_clean() -> None:
    with pytest.raises(ValueError, match="only a final session"):
        transitions.face_data_deleted(a_session(), RETENTION)


@given(
    status=st.sampled_from(FINAL),
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6),
)
@settings(max_examples=200, deadline=None)
def test_a_final_state_is_never_left(status: Status, steps: list[str]) -> None:
    session = STEPS[status.value](a_session())
    verdict, ended_at = session.verdict, session.ended_at

    for step in steps:
        try:
            session = STEPS[step](session)
        except ValueError:
            continue

        assert (session.status, session.verdict, session.ended_at) == (status, verdict, ended_at)


@pytest.mark.parametrize("step", ["processing", "reopened", *FINAL])
@pytest.mark.parametrize("status", FINAL)
def test_nothing_may_follow_an_ending(status: Status, step: str) -> None:
    with pytest.raises(ValueError, match="may not follow"):
        STEPS[step](STEPS[status.value](a_session()))
