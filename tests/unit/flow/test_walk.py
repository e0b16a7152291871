import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    FaceOutcomeUnknownError,
    FaceRefusedError,
    FaceUnavailableError,
    StoreConflictError,
    UnreadableRecordError,
)
from shared.session import transitions
from shared.session.alarm import Alarm, AlarmClass, SweepResult
from shared.session.face_answer import FaceAnswer, FaceStatus
from shared.session.ids import shard_of
from shared.session.session import Report, Session, Status
from tests.support.builders import (
    NOW,
    RETENTION,
    SESSION_ID,
    TOKEN,
    a_failed_attempt,
    a_passing_answer,
    a_running_answer,
    an_answer,
)
from tests.support.stage import SETTINGS, Stage
from tests.unit.flow.states import FINAL, OPEN, PROCESSING, STALE_AT, STARTED, UNKNOWN_OUTCOMES


async def handle_alarm(stage: Stage, at: timedelta = STALE_AT - NOW) -> SweepResult:
    stage.clock.moment = NOW + at
    return await stage.app.sweep.walk.handle_alarm(SESSION_ID)


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "status", "result"),
    [
        pytest.param(
            a_passing_answer(), Status.COMPLETED, SweepResult.SETTLED, id="nobody-reported-it"
        ),
        pytest.param(
            an_answer(a_failed_attempt(), status=FaceStatus.RUNNING),
            Status.COMPLETED,
            SweepResult.SETTLED,
            id="an-attempt-in-error",
        ),
        pytest.param(a_running_answer(), Status.ABANDONED, SweepResult.ABANDONED, id="no-attempt"),
        pytest.param(None, Status.ABANDONED, SweepResult.ABANDONED, id="face-has-forgotten-it"),
    ],
)
async def test_a_stale_session_is_ended_by_its_alarm(
    session: Session, answer: FaceAnswer | None, status: Status, result: SweepResult, stage: Stage
) -> None:
    assert await handle_alarm(stage.at(session, answer)) is result
    assert (stage.session.status, stage.session.has_face_data) == (status, False)
    assert stage.face_calls == ["get", "delete"]


@pytest.mark.parametrize("error", UNKNOWN_OUTCOMES)
@pytest.mark.parametrize(
    ("session", "call"), [(STARTED, "get"), (transitions.canceled(STARTED, NOW), "delete")]
)
async def test_nothing_is_changed_while_nobody_knows_what_face_would_say(
    session: Session, call: str, error: FaceOutcomeUnknownError, stage: Stage
) -> None:
    stage.at(session, None).faults.fail(call, error)

    with pytest.raises(type(error)):
        await handle_alarm(stage)

    assert stage.store.writes == 0
    assert [fact["cause"] for fact in stage.events.named("face failed")] == [error]


async def test_a_session_that_face_must_have_forgotten_is_abandoned(stage: Stage) -> None:
    down = FaceUnavailableError("down")
    stage.at(STARTED, None).faults.fail("get", down)
    stage.faults.fail("delete", down)

    assert await handle_alarm(stage, timedelta(hours=48)) is SweepResult.FORGOTTEN
    assert stage.session.status is Status.ABANDONED
    assert not stage.session.has_face_data


async def test_a_session_that_face_did_not_answer_is_postponed_if_it_is_still_due(
    stage: Stage,
) -> None:
    walk = stage.at(STARTED, None).app.sweep.walk
    assert await walk.postpone(SESSION_ID) is SweepResult.SKIPPED
    stage.clock.moment = STALE_AT

    assert await walk.postpone(SESSION_ID) is SweepResult.POSTPONED
    assert stage.session.alarm_at == STALE_AT + timedelta(minutes=1)
    stage.store.table.rows.clear()
    assert await walk.postpone(SESSION_ID) is SweepResult.SKIPPED


async def test_a_reported_check_that_is_not_over_is_looked_at_again_a_minute_later(
    stage: Stage,
) -> None:
    stage.at(PROCESSING, a_running_answer())

    assert await handle_alarm(stage, timedelta(minutes=1)) is SweepResult.POSTPONED
    assert stage.session.alarm_at == NOW + timedelta(minutes=2)


async def test_an_alarm_looks_not_at_once_after_somebody_else_unless_for_the_last_time(
    stage: Stage,
) -> None:
    minute = timedelta(minutes=1)
    for at in (minute, STALE_AT - NOW):
        due = replace(PROCESSING, look_at=NOW + at + timedelta(seconds=1), alarm_at=NOW + at)
        stage.at(due, a_running_answer())
        result = await handle_alarm(stage, at)
        expected = SweepResult.SKIPPED if at == minute else SweepResult.ABANDONED
        assert (result, "get" in stage.face_calls) == (expected, at != minute)


async def test_an_alarm_and_a_completion_at_the_same_moment_share_one_look(stage: Stage) -> None:
    app = stage.at(STARTED, a_passing_answer()).app
    stage.clock.moment = STALE_AT

    result, told = await asyncio.gather(
        app.sweep.walk.handle_alarm(SESSION_ID), app.flow.complete(SESSION_ID, TOKEN, Report())
    )

    assert told.status is Status.COMPLETED
    assert result in {SweepResult.SETTLED, SweepResult.SKIPPED}
    assert stage.face_calls == ["get", "delete"]


async def test_after_a_look_of_an_alarm_that_found_nothing_nobody_looks_for_a_while(
    stage: Stage,
) -> None:
    stage.at(PROCESSING, a_running_answer())
    await handle_alarm(stage, timedelta(minutes=1))

    await stage.complete_it()

    assert (stage.face_calls, stage.messages) == (["get"], [])


async def test_an_alarm_before_its_time_does_nothing(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())

    before = STALE_AT - NOW - timedelta(milliseconds=1)
    assert await handle_alarm(stage, before) is SweepResult.SKIPPED
    assert (stage.face_calls, stage.store.writes) == ([], 0)


async def test_an_alarm_whose_session_ends_meanwhile_is_skipped(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())
    ended = transitions.canceled(STARTED, STALE_AT)
    stage.faults.fail_next("replace", lambda: stage.store.hold(ended))

    assert await handle_alarm(stage) is SweepResult.SKIPPED
    assert stage.session.status is Status.CANCELED
    assert stage.face_calls == ["get"]


async def test_an_alarm_of_an_unknown_session_is_one_of_an_unreadable_record(
    stage: Stage,
) -> None:
    with pytest.raises(UnreadableRecordError):
        await handle_alarm(stage)


OWN = Alarm(
    shard=shard_of(SESSION_ID),
    session_id=SESSION_ID,
    row_key="alarm",
    due_at=STARTED.alarm_at,
    alarm_class=AlarmClass.OPEN,
)


async def test_an_alarm_that_is_not_the_sessions_own_is_left_to_the_store_first(
    stage: Stage,
) -> None:
    stage.at(STARTED, a_passing_answer()).clock.moment = STALE_AT

    with pytest.raises(StoreConflictError):
        await stage.app.sweep.walk.handle_alarm(SESSION_ID, replace(OWN, due_at=NOW))

    assert stage.face_calls == []
    assert await stage.app.sweep.walk.handle_alarm(SESSION_ID, OWN) is SweepResult.SETTLED


@pytest.mark.parametrize("session", FINAL)
async def test_what_has_ended_is_deleted_at_face(session: Session, stage: Stage) -> None:
    assert await handle_alarm(stage.at(session, None)) is SweepResult.DELETED
    assert stage.session == replace(
        session, has_face_data=False, alarm_at=NOW + RETENTION, version=stage.session.version
    )


async def test_a_delete_is_tried_no_more_once_face_must_have_forgotten(stage: Stage) -> None:
    stage.at(transitions.canceled(STARTED, NOW), None).faults.fail("delete", FaceRefusedError("no"))

    assert await handle_alarm(stage, timedelta(hours=48)) is SweepResult.FORGOTTEN
    assert not stage.session.has_face_data


async def test_a_record_outlives_its_retention_while_face_has_yet_to_delete() -> None:
    stage = Stage(settings=replace(SETTINGS, retention_days=1))
    stage.at(transitions.canceled(STARTED, NOW), None).faults.fail("delete", FaceRefusedError("no"))

    with pytest.raises(FaceRefusedError):
        await handle_alarm(stage, timedelta(days=1))
    assert stage.session.has_face_data


async def test_a_record_is_purged_at_the_end_of_its_retention(stage: Stage) -> None:
    ended = transitions.face_data_deleted(transitions.canceled(STARTED, NOW), RETENTION)
    stage.at(ended, None)

    just_before = RETENTION - timedelta(milliseconds=1)
    assert await handle_alarm(stage, just_before) is SweepResult.SKIPPED
    assert await handle_alarm(stage, RETENTION) is SweepResult.PURGED
    assert (stage.rows, stage.face_calls) == ([], [])
