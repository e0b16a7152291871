import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    DependencyError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnsettledError,
)
from shared.secret import Secret
from shared.session import transitions
from shared.session.alarm import REMINDER_PAUSE
from shared.session.face_answer import FaceAnswer, FaceStatus
from shared.session.session import Outcome, Report, Session, Status, Verdict
from tests.support.builders import (
    DIGEST,
    FACE_SESSION_ID,
    NOW,
    RETENTION,
    SESSION_ID,
    TOKEN,
    a_failed_attempt,
    a_passing_answer,
    a_running_answer,
    an_answer,
)
from tests.unit.flow.stage import FINAL, OPEN, PROCESSING, STARTED, UNKNOWN_OUTCOMES, Stage

FAILED_REPORT = Report(liveness_error="FaceWithMaskDetected")
ENDED = transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW)


async def complete(stage: Stage, report: Report | None = None) -> Session:
    return await stage.app.flow.complete(SESSION_ID, TOKEN, report or Report(), stage.queued.append)


async def cancel(stage: Stage) -> Session:
    await stage.app.flow.cancel(SESSION_ID, TOKEN)
    return stage.session


async def settle(stage: Stage, *, last_try: bool = False) -> Session:
    await stage.app.flow.settle(SESSION_ID, last_try=last_try)
    return stage.session


# Reads.


@pytest.mark.parametrize("session", [*OPEN, *FINAL])
async def test_the_token_opens_its_session_in_every_state(session: Session, stage: Stage) -> None:
    stage.at(session, None)

    assert await stage.app.flow.load(SESSION_ID, TOKEN) == stage.session
    assert stage.face_calls == []


@pytest.mark.parametrize(
    ("session_id", "token"),
    [
        pytest.param(SESSION_ID, Secret(""), id="no-token"),
        pytest.param(SESSION_ID, Secret("wrong"), id="wrong-token"),
        pytest.param("6" + SESSION_ID[1:], TOKEN, id="unknown-id"),
        pytest.param("../etc", TOKEN, id="malformed-id"),
        pytest.param(SESSION_ID.upper(), TOKEN, id="id-in-upper-case"),
        pytest.param("", TOKEN, id="no-id"),
    ],
)
async def test_without_the_right_token_there_is_no_session(
    session_id: str, token: Secret, stage: Stage
) -> None:
    stage.at(STARTED, None)
    loads: list[None] = []
    stage.faults.fail_next("load", *[lambda: loads.append(None)] * 3)

    for attempt in (
        stage.app.flow.load(session_id, token),
        stage.app.flow.complete(session_id, token, Report(), stage.queued.append),
        stage.app.flow.cancel(session_id, token),
    ):
        with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
            await attempt

    assert len(loads) == 3
    assert (stage.face_calls, stage.queued, stage.store.writes) == ([], [], 0)


@pytest.mark.parametrize("session", FINAL)
async def test_a_result_is_there_once_the_session_has_ended(session: Session, stage: Stage) -> None:
    stage.at(session, None)

    assert await stage.app.flow.load_result(SESSION_ID) == stage.session


@pytest.mark.parametrize("session", OPEN)
async def test_an_open_session_has_no_result_SessionNotFinal(  # noqa: N802
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())

    with pytest.raises(SessionNotFinalError):
        await stage.app.flow.load_result(SESSION_ID)

    assert stage.face_calls == []


@pytest.mark.parametrize("session_id", [SESSION_ID, "'", ""])
async def test_an_unknown_session_has_no_result_SessionNotFound(  # noqa: N802
    session_id: str, stage: Stage
) -> None:
    with pytest.raises(SessionNotFoundError):
        await stage.app.flow.load_result(session_id)


# Completions.


@pytest.mark.parametrize("session", OPEN)
async def test_a_finished_check_is_recorded_and_deleted_at_face(
    session: Session, stage: Stage
) -> None:
    completed = await complete(stage.at(session, a_passing_answer()), Report(digest=DIGEST))

    assert completed == stage.session
    assert (completed.status, completed.ended_at) == (Status.COMPLETED, NOW)
    assert completed.verdict is not None
    assert completed.verdict.outcome is Outcome.PASSED
    assert (completed.has_face_data, completed.alarm_at) == (False, NOW + RETENTION)
    assert stage.face.deleted == [FACE_SESSION_ID]
    assert stage.queued == []


@pytest.mark.parametrize("error", UNKNOWN_OUTCOMES)
async def test_a_face_session_that_could_not_be_deleted_is_left_to_the_alarm(
    error: Exception, stage: Stage
) -> None:
    stage.faults.fail("delete", error)
    completed = await complete(stage.at(STARTED, a_passing_answer()))

    assert (completed.status, completed.has_face_data) == (Status.COMPLETED, True)
    assert completed.alarm_at == NOW
    assert stage.face_calls == ["get", "delete"]


@pytest.mark.parametrize(
    "error", [StoreConflictError("lost"), StoreUnavailableError("down")], ids=repr
)
async def test_a_delete_that_could_not_be_recorded_is_left_to_the_alarm(
    error: Exception, stage: Stage
) -> None:
    stage.faults.fail_next("replace", lambda: None, error)
    completed = await complete(stage.at(STARTED, a_passing_answer()))

    assert (completed.status, completed.has_face_data) == (Status.COMPLETED, True)
    assert completed == stage.session


@pytest.mark.parametrize("error", [None, *UNKNOWN_OUTCOMES])
@pytest.mark.parametrize("session", OPEN)
async def test_a_completion_without_a_result_is_kept_and_waits_for_a_message(
    session: Session, error: Exception | None, stage: Stage
) -> None:
    # Reported a while ago, so that another report is worth a message.
    session = replace(session, reminded_at=NOW - REMINDER_PAUSE)
    if error:
        stage.faults.fail("get", error)
    report = Report(digest=DIGEST, liveness_error="TimedOut" if error else None)
    waiting = await complete(stage.at(session, a_running_answer()), report)

    assert (waiting.status, waiting.report) == (Status.PROCESSING, report)
    assert waiting == stage.session
    assert (stage.queued, stage.face_calls) == ([SESSION_ID], ["get"])
    assert [fact["cause"] for fact in stage.events.named("face silent")] == (
        [error] if error else []
    )


@pytest.mark.parametrize("session", OPEN)
async def test_a_reported_error_lets_the_person_try_again(session: Session, stage: Stage) -> None:
    answer = an_answer(a_failed_attempt(), status=FaceStatus.RUNNING)
    again = await complete(stage.at(session, answer), FAILED_REPORT)

    assert (again.status, again.report) == (Status.STARTED, FAILED_REPORT)
    assert again.alarm_at == STARTED.alarm_at
    assert stage.queued == []


@pytest.mark.parametrize("session", OPEN)
async def test_a_session_that_face_does_not_know_is_abandoned(
    session: Session, stage: Stage
) -> None:
    assert (await complete(stage.at(session, None))).status is Status.ABANDONED


@pytest.mark.parametrize("session", FINAL)
async def test_whoever_comes_after_the_end_changes_nothing_and_asks_nobody(
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())
    unchanged = stage.session

    assert await complete(stage, Report(digest=DIGEST)) == unchanged
    assert await cancel(stage) == await settle(stage) == unchanged
    assert (stage.face_calls, stage.store.writes, stage.queued) == ([], 0, [])


async def test_a_session_that_keeps_being_reported_reminds_once_a_minute(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    for _ in range(13):
        await complete(stage)
        stage.clock.advance(timedelta(seconds=10))

    assert stage.queued == [SESSION_ID] * 3
    assert stage.session.alarm_at == NOW + timedelta(minutes=1)


async def test_trying_again_and_again_reminds_once_a_minute(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    for _ in range(6):
        await complete(stage)
        await complete(stage, FAILED_REPORT)
        stage.clock.advance(timedelta(seconds=10))

    assert stage.queued == [SESSION_ID]


async def test_completions_at_the_same_moment_remind_once(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    await asyncio.gather(*(complete(stage) for _ in range(5)))

    assert stage.queued == [SESSION_ID]


@pytest.mark.parametrize(
    ("report", "reminders"),
    [
        pytest.param(Report(), [SESSION_ID], id="nothing-is-lost-with-it"),
        pytest.param(Report(digest=DIGEST), [], id="never-judged-without-its-digest"),
    ],
)
async def test_a_completion_that_could_not_be_recorded_leaves_a_message_unless_it_had_a_digest(
    report: Report, reminders: list[str], stage: Stage
) -> None:
    stage.at(STARTED, a_passing_answer()).faults.fail_next("replace", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await complete(stage, report)

    assert (stage.session.status, stage.queued) == (Status.STARTED, reminders)


async def test_of_two_completions_at_once_both_learn_the_one_verdict(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())
    stage.faults.fail_next("replace", lambda: stage.store.hold(ENDED))

    assert (await complete(stage)).verdict == ENDED.verdict


async def test_an_ending_is_logged_without_a_word_on_the_person(stage: Stage) -> None:
    await complete(stage.at(STARTED, a_passing_answer()))

    (ended,) = stage.events.named("session ended")
    assert ended == {
        "session_id": SESSION_ID,
        "kind": "liveness",
        "status": "completed",
        "outcome": "passed",
        "reasons": "",
        "model_version": "2024-11-15",
    }


# Cancels.


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(a_passing_answer(), Status.COMPLETED, id="a-finished-check-keeps-its-verdict"),
        pytest.param(a_running_answer(), Status.CANCELED, id="canceled"),
        pytest.param(None, Status.CANCELED, id="canceled-though-gone"),
    ],
)
async def test_giving_up_revokes_the_token(
    session: Session, answer: FaceAnswer | None, status: Status, stage: Stage
) -> None:
    given_up = await cancel(stage.at(session, answer))

    assert (given_up.status, given_up.has_face_data) == (status, False)
    assert stage.face_calls == ["get", "delete"]


# Messages.


@pytest.mark.parametrize("last_try", [False, True], ids=["first-try", "last-try"])
@pytest.mark.parametrize("session", OPEN)
async def test_a_message_records_the_ending(
    session: Session, stage: Stage, *, last_try: bool
) -> None:
    settled = await settle(stage.at(session, a_passing_answer()), last_try=last_try)

    assert (settled.status, settled.has_face_data) == (Status.COMPLETED, False)


async def test_a_message_without_a_result_comes_again_until_its_last_try(stage: Stage) -> None:
    stage.at(PROCESSING, a_running_answer())

    with pytest.raises(UnsettledError):
        await settle(stage)
    await settle(stage, last_try=True)

    assert stage.store.writes == 0


async def test_a_message_of_somebody_who_tries_again_has_nothing_to_do(stage: Stage) -> None:
    await settle(stage.at(STARTED, a_running_answer()))

    assert stage.store.writes == 0


@pytest.mark.parametrize("error", UNKNOWN_OUTCOMES)
async def test_while_nobody_knows_what_face_would_say_cancels_fail_and_messages_come_again(
    error: Exception, stage: Stage
) -> None:
    stage.at(PROCESSING, None).faults.fail("get", error)

    for attempt in (cancel(stage), settle(stage)):
        with pytest.raises(type(error)):
            await attempt

    await settle(stage, last_try=True)
    assert stage.store.writes == 0
    assert stage.events.named("message let go") == [{"session_id": SESSION_ID}]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("load", StoreUnavailableError("down")),
        ("replace", StoreUnavailableError("down")),
        ("replace", StoreConflictError("lost")),
    ],
    ids=["load", "write", "five-lost-races"],
)
async def test_a_message_that_meets_a_failing_store_comes_again_until_its_last_try(
    call: str, error: Exception, stage: Stage
) -> None:
    stage.at(PROCESSING, a_passing_answer()).faults.fail_next(call, *[error] * 10)

    with pytest.raises((DependencyError, SessionConflictError)):
        await settle(stage)
    await settle(stage, last_try=True)

    assert stage.session.status is Status.PROCESSING


async def test_a_message_of_an_unknown_session_succeeds(stage: Stage) -> None:
    await stage.app.flow.settle(SESSION_ID, last_try=False)

    assert stage.face_calls == []
