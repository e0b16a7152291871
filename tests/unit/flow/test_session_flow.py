import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    DependencyError,
    FaceUnavailableError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
)
from shared.secret import Secret
from shared.session import decisions, transitions
from shared.session.face_answer import FaceAnswer
from shared.session.late_digest import LateDigest
from shared.session.session import Outcome, Report, Session, Status, Verdict
from shared.session.timestamps import rfc3339
from tests.support import virtual_time
from tests.support.builders import (
    DIGEST,
    FACE_SESSION_ID,
    NOW,
    RETENTION,
    RULES,
    SESSION_ID,
    TOKEN,
    a_passing_answer,
    a_running_answer,
)
from tests.support.stage import Stage
from tests.unit.flow.states import FINAL, OPEN, PROCESSING, STARTED, UNKNOWN_OUTCOMES

FAILED_REPORT = Report(liveness_error="FaceWithMaskDetected")
# Reported, and not looked at for longer than any pause.
DUE = replace(PROCESSING, look_at=NOW)
ENDED = transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW)


async def complete(stage: Stage, report: Report | None = None) -> Session:
    return await stage.app.flow.complete(SESSION_ID, TOKEN, report or Report())


async def cancel(stage: Stage) -> Session:
    await stage.app.flow.cancel(SESSION_ID, TOKEN)
    return stage.session


async def settle(stage: Stage) -> Session:
    await stage.app.queue_flow.settle(SESSION_ID)
    return stage.session


# Reads.


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
        stage.app.flow.complete(session_id, token, Report()),
        stage.app.flow.cancel(session_id, token),
    ):
        with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
            await attempt

    assert len(loads) == 3
    assert (stage.face_calls, stage.messages, stage.store.writes) == ([], [], 0)


@pytest.mark.parametrize("session", OPEN)
async def test_an_open_session_has_no_result_SessionNotFinal(  # noqa: N802
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())

    with pytest.raises(SessionNotFinalError):
        await stage.app.results.load(SESSION_ID)

    assert stage.face_calls == []


@pytest.mark.parametrize("session_id", [SESSION_ID, "'", ""])
async def test_an_unknown_session_has_no_result_SessionNotFound(  # noqa: N802
    session_id: str, stage: Stage
) -> None:
    with pytest.raises(SessionNotFoundError):
        await stage.app.results.load(session_id)


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
    assert stage.messages == []


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
@pytest.mark.parametrize("session", [STARTED, DUE])
async def test_a_completion_without_a_result_is_kept_and_waits_for_a_message(
    session: Session, error: Exception | None, stage: Stage
) -> None:
    if error:
        stage.faults.fail("get", error)
    report = Report(digest=DIGEST)
    waiting = await complete(stage.at(session, a_running_answer()), report)

    assert (waiting.status, waiting.report) == (Status.PROCESSING, report)
    assert (waiting.empty_looks, waiting.look_at) == (1, NOW + timedelta(seconds=2))
    assert waiting == stage.session
    assert (stage.messages, stage.face_calls) == ([2], ["get"])
    assert [fact["cause"] for fact in stage.events.named("face failed")] == (
        [error] if error else []
    )


@pytest.mark.parametrize("session", [STARTED, PROCESSING, DUE])
async def test_a_reported_error_lets_the_person_try_again_and_asks_nobody(
    session: Session, stage: Stage
) -> None:
    again = await complete(stage.at(session, a_passing_answer()), FAILED_REPORT)

    assert (again.status, again.report) == (Status.STARTED, FAILED_REPORT)
    assert again.alarm_at == STARTED.alarm_at
    assert stage.face_calls == []


async def test_a_reported_error_has_somebody_look_whether_there_is_a_result(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())
    for number in range(20):
        await complete(stage, Report(liveness_error=f"Error{number}"))
    assert (stage.messages, stage.session.report.liveness_error) == ([2], "Error19")

    # It keeps nobody from asking sooner.
    assert (stage.session.look_at, stage.session.empty_looks) == (None, 0)
    assert (await settle(stage)).status is Status.COMPLETED


@pytest.mark.parametrize("session", FINAL)
async def test_whoever_comes_after_the_end_changes_nothing_and_asks_nobody(
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())
    unchanged = stage.session

    assert await complete(stage, Report(digest=DIGEST)) == unchanged
    assert await cancel(stage) == await settle(stage) == unchanged
    assert (stage.face_calls, stage.store.writes, stage.messages) == ([], 0, [])


async def test_a_completion_that_could_not_be_recorded_leaves_no_message(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer()).faults.fail_next("replace", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await complete(stage)

    assert (stage.session.status, stage.messages) == (Status.STARTED, [])


async def test_a_message_that_could_not_be_sent_leaves_the_session_to_its_alarm(
    stage: Stage,
) -> None:
    stage.at(STARTED, a_running_answer()).faults.fail_next("send", StoreUnavailableError("down"))

    waiting = await complete(stage)

    assert (waiting.status, waiting.alarm_at) == (Status.PROCESSING, NOW + timedelta(minutes=1))
    (fact,) = stage.events.named("message not sent")
    assert (fact["session_id"], fact["level"]) == (SESSION_ID, logging.WARNING)


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


@pytest.mark.parametrize("error", UNKNOWN_OUTCOMES)
async def test_a_cancel_for_which_face_has_no_answer_says_when_to_come_back(
    error: DependencyError, stage: Stage
) -> None:
    stage.at(PROCESSING, a_passing_answer()).faults.fail("get", error)

    for pause in (2, 4, 8, 16, 30, 30):
        with pytest.raises(FaceUnavailableError, match=str(error)) as asked:
            await cancel(stage)
        assert asked.value.retry_after_seconds == pause
        with pytest.raises(FaceUnavailableError) as told:
            await cancel(stage)
        assert told.value.retry_after_seconds == pause
        stage.clock.advance(timedelta(seconds=pause))

    assert (stage.session.status, stage.face_calls) == (Status.PROCESSING, ["get"] * 6)
    stage.faults.clear()
    assert (await cancel(stage)).status is Status.COMPLETED


async def test_faces_own_word_on_when_to_come_back_is_passed_on(stage: Stage) -> None:
    error = FaceUnavailableError("throttled", retry_after_seconds=7)
    stage.at(STARTED, None).faults.fail("get", error)

    with pytest.raises(FaceUnavailableError) as asked:
        await cancel(stage)

    assert asked.value.retry_after_seconds == 7


async def test_a_cancel_pauses_no_completion_and_a_completion_no_cancel(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer()).faults.fail_next("get", FaceUnavailableError("down"))
    with pytest.raises(FaceUnavailableError):
        await cancel(stage)

    assert (await complete(stage)).status is Status.PROCESSING
    stage.clock.advance(timedelta(seconds=2, milliseconds=-1))
    with pytest.raises(FaceUnavailableError):
        await cancel(stage)
    stage.clock.advance(timedelta(milliseconds=1))
    assert (await cancel(stage)).status is Status.CANCELED


async def test_a_cancel_of_what_ends_while_face_is_silent_has_nothing_to_say(stage: Stage) -> None:
    stage.at(STARTED, None).faults.fail("get", FaceUnavailableError("down"))
    stage.faults.fail_next("replace", lambda: stage.store.hold(ENDED))

    assert (await cancel(stage)).verdict == ENDED.verdict


# Messages.


@pytest.mark.parametrize("session", [STARTED, DUE])
async def test_a_message_records_the_ending(session: Session, stage: Stage) -> None:
    settled = await settle(stage.at(session, a_passing_answer()))

    assert (settled.status, settled.has_face_data) == (Status.COMPLETED, False)


@pytest.mark.parametrize("error", [None, *UNKNOWN_OUTCOMES])
async def test_a_message_that_finds_no_result_is_followed_by_the_next_and_is_no_error(
    error: Exception | None, stage: Stage
) -> None:
    if error:
        stage.faults.fail("get", error)
    stage.at(DUE, a_running_answer())

    for pause in (2, 4, 8, 16, 30, 30):
        waiting = await settle(stage)
        assert waiting.look_at == stage.clock.moment + timedelta(seconds=pause)
        stage.clock.advance(timedelta(seconds=pause))

    # From there on the alarm has it.
    assert stage.messages == [2, 4, 8, 16]
    told = stage.events.named("asked again later")
    assert [fact["at"] for fact in told] == [
        rfc3339(NOW + timedelta(seconds=seconds)) for seconds in (2, 6, 14, 30)
    ]
    assert waiting.alarm_at == DUE.alarm_at


async def test_a_message_that_comes_before_its_look_is_silent(stage: Stage) -> None:
    stage.at(replace(PROCESSING, look_at=NOW + timedelta(seconds=1, milliseconds=1)), None)

    await settle(stage)

    assert (stage.face_calls, stage.messages, stage.store.writes) == ([], [], 0)


@pytest.mark.parametrize(
    ("early_again", "status"), [(False, Status.COMPLETED), (True, Status.PROCESSING)]
)
def test_a_message_that_comes_a_moment_early_waits_for_its_look_if_nobody_else_looks(
    status: Status, stage: Stage, *, early_again: bool
) -> None:
    early = replace(PROCESSING, look_at=NOW + timedelta(seconds=1))
    later = replace(early, look_at=NOW + timedelta(seconds=9))
    stage.at(early, a_passing_answer())

    def wait() -> None:
        stage.clock.advance(timedelta(seconds=1))
        stage.store.hold(later if early_again else early)

    stage.faults.fail_next("load", lambda: None, wait)
    virtual_time.run(stage.app.queue_flow.settle(SESSION_ID))

    assert stage.session.status is status


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("load", StoreUnavailableError("down")),
        ("replace", StoreUnavailableError("down")),
        ("replace", StoreConflictError("lost")),
    ],
    ids=["load", "write", "five-lost-races"],
)
async def test_a_message_that_meets_a_failing_store_fails(
    call: str, error: Exception, stage: Stage
) -> None:
    stage.at(DUE, a_passing_answer()).faults.fail_next(call, *[error] * 5)

    with pytest.raises((DependencyError, SessionConflictError)):
        await settle(stage)

    assert stage.session.status is Status.PROCESSING


async def test_a_message_of_an_unknown_session_succeeds(stage: Stage) -> None:
    await stage.app.queue_flow.settle(SESSION_ID)

    assert stage.face_calls == []


async def test_a_digest_that_an_ending_has_just_outrun_is_compared(stage: Stage) -> None:
    ended = decisions.after_completion(STARTED, a_passing_answer(), Report(), RULES, NOW)
    stage.at(STARTED, a_passing_answer())
    stage.faults.fail_next("replace", lambda: stage.store.hold(ended))

    told = await complete(stage, Report(digest=DIGEST))

    assert (told.verdict, told.late_digest) == (ended.verdict, LateDigest.MATCHED)


async def test_of_late_digests_at_once_one_counts_and_a_wrong_one_alarms_once(stage: Stage) -> None:
    await complete(stage.at(STARTED, a_passing_answer()))
    wrong = Report(digest="0" * 64)
    apps = [stage.process() for _ in range(8)]

    told = await asyncio.gather(*(app.flow.complete(SESSION_ID, TOKEN, wrong) for app in apps))

    assert {one.late_digest for one in told} == {LateDigest.MISMATCHED}
    (fact,) = stage.events.named("late digest mismatched")
    assert (fact["session_id"], fact["level"]) == (SESSION_ID, logging.WARNING)
