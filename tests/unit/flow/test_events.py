"""The outbox: an ending is told once it is recorded, at least once, whatever fails."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    EventsOffError,
    EventsUnavailableError,
    FaceUnavailableError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from tests.support.builders import (
    NOW,
    RETENTION,
    SESSION_ID,
    TOKEN,
    a_passing_answer,
    a_request,
    a_running_answer,
    an_answer,
    an_attempt,
)
from tests.support.fakes import FakeTopic
from tests.support.stage import STALE, Case, Stage
from tests.unit.flow.states import STARTED

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DEAD = EventsUnavailableError("the topic took no event")


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def stage(topic: FakeTopic) -> Stage:
    return Stage(topic=topic).at(STARTED, a_passing_answer())


async def test_a_completion_leaves_the_rest_to_a_message_without_delay_which_tells_and_deletes(
    stage: Stage, topic: FakeTopic
) -> None:
    await stage.complete_it()
    recorded = stage.session

    assert stage.faults.calls == ["load", "get", "replace", "send"]
    assert (stage.messages, topic.told) == ([0], [])
    await stage.app.queue_flow.settle(SESSION_ID)
    assert topic.told == [recorded]
    assert [one["session_id"] for one in stage.events.named("event sent")] == [SESSION_ID]
    assert (stage.session.has_stops, stage.session.alarm_at) == (False, NOW + RETENTION)
    assert (stage.face_calls, stage.flaws) == (["get", "delete"], [])


async def test_a_message_that_is_lost_is_made_up_for_by_the_sweep(
    stage: Stage, topic: FakeTopic
) -> None:
    stage.faults.fail("send", StoreUnavailableError("down"))

    await stage.complete_it()
    await stage.sweep_after(timedelta())

    assert [session.session_id for session in topic.told] == [SESSION_ID]
    assert not stage.session.has_stops
    assert stage.events.named("sweep ended")[-1]["deleted"] == 1


async def test_a_cancel_and_an_alarm_tell_and_delete_at_once_and_a_late_message_does_nothing(
    stage: Stage, topic: FakeTopic
) -> None:
    stage.face.answer = a_running_answer()
    await stage.app.flow.cancel(SESSION_ID, TOKEN)
    stage.at(STARTED, None)
    await stage.sweep_after(STALE)
    await stage.app.queue_flow.settle(SESSION_ID)

    assert [session.status for session in topic.told] == ["canceled", "abandoned"]
    assert (stage.messages, stage.session.has_stops) == ([], False)


async def test_nothing_is_told_whose_ending_could_not_be_recorded(
    stage: Stage, topic: FakeTopic
) -> None:
    stage.faults.fail("replace", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.complete_it()

    assert topic.told == []


async def test_an_event_that_was_taken_but_not_noted_comes_twice(
    stage: Stage, topic: FakeTopic
) -> None:
    await stage.complete_it()
    stage.faults.fail_next("replace", StoreUnavailableError("down"))

    await stage.app.queue_flow.settle(SESSION_ID)
    await stage.sweep_after(timedelta())

    assert len(topic.told) == 2


async def test_a_topic_that_is_dead_for_a_day_gets_every_event_within_the_next_hour(
    topic: FakeTopic,
) -> None:
    stage = Stage(topic=topic)
    stage.faults.fail("send_ending", DEAD)
    cases = [await stage.case(answer=a_passing_answer()) for _ in range(20)]
    for case in cases:
        await stage.complete(stage.app, case)
    for _ in range(24 * 60):
        stage.clock.advance(MINUTE)
        await stage.app.sweep.run()
    tries = stage.faults.calls.count("send_ending")
    oldest = [int(str(one["oldest_seconds"])) for one in stage.events.named("event not sent")]

    stage.faults.clear()
    for _ in range(60):
        await stage.sweep_after(MINUTE)

    # Every few minutes at first, hourly at last; and the age by which an alert is raised grows.
    assert 20 * 24 < tries < 20 * 60
    assert max(oldest) > 22 * 3600
    assert sorted(one.session_id for one in topic.told) == sorted(one.session_id for one in cases)
    assert (stage.face.alive, stage.flaws) == (set(), [])


async def test_the_sweep_counts_the_events_that_it_sends_and_those_that_it_cannot(
    stage: Stage,
) -> None:
    stage.faults.fail("send_ending", DEAD)
    await stage.complete_it()
    await stage.app.queue_flow.settle(SESSION_ID)
    stage.clock.advance(timedelta(hours=1))
    await stage.app.sweep.run()
    await stage.sweep_after(timedelta(hours=1))

    swept = stage.events.named("sweep ended")
    counts = [{name: one.get(name, 0) for name in ("unsent", "sent")} for one in swept]
    assert counts == [{"unsent": 1, "sent": 0}, {"unsent": 0, "sent": 1}]
    assert {one["session_id"] for one in stage.events.named("event not sent")} == {SESSION_ID}


async def test_a_dead_topic_keeps_no_face_data_and_a_silent_face_no_event(
    stage: Stage, topic: FakeTopic
) -> None:
    stage.faults.fail("send_ending", DEAD)
    await stage.complete_it()
    await stage.app.queue_flow.settle(SESSION_ID)
    assert stage.face.deleted == [STARTED.face_session_id]
    await stage.app.queue_flow.settle(SESSION_ID)
    assert stage.faults.calls.count("send_ending") == 1

    stage.at(STARTED, a_passing_answer())
    stage.faults.clear()
    stage.faults.fail("delete", FaceUnavailableError("away", is_breaker_open=True))
    await stage.complete_it()
    await stage.app.sweep.run()

    assert len(topic.told) == 1
    assert (stage.session.has_face_data, stage.session.event_due_since) == (True, None)
    assert stage.flaws == []


async def test_the_record_goes_in_its_time_though_nobody_ever_took_its_event(
    stage: Stage,
) -> None:
    stage.faults.fail("send_ending", DEAD)
    await stage.complete_it()
    await stage.app.sweep.run()
    assert stage.events.named("sweep ended")[-1]["deleted"] == 1
    stage.clock.advance(RETENTION - MINUTE)
    await stage.app.sweep.run()
    assert stage.events.named("sweep ended")[-1]["unsent"] == 1

    stage.clock.advance(MINUTE)
    await stage.app.sweep.run()

    assert stage.rows == []


async def test_what_waited_when_events_were_turned_off_waits_no_more(stage: Stage) -> None:
    await stage.complete_it()
    stage.topic = None

    await stage.app.sweep.run()

    assert (stage.session.has_stops, stage.session.alarm_at) == (False, NOW + RETENTION)


async def test_an_operator_has_any_final_sessions_event_sent_again(
    stage: Stage, topic: FakeTopic
) -> None:
    await stage.complete_it()
    await stage.app.queue_flow.settle(SESSION_ID)
    stage.store.hold(replace(stage.session, alarm_delays=5))
    stage.clock.advance(timedelta(days=30))
    stage.faults.fail_next("replace", StoreConflictError("lost"))

    await stage.app.flow.resend_event(SESSION_ID)
    assert stage.session.alarm_delays == 0
    await stage.app.queue_flow.settle(SESSION_ID)

    assert [one.session_id for one in topic.told] == [SESSION_ID, SESSION_ID]
    assert (stage.session.alarm_at, stage.face_calls) == (NOW + RETENTION, ["get", "delete"])
    assert stage.flaws == []


async def test_an_event_is_not_sent_again_of_what_has_not_ended_or_is_not_there(
    stage: Stage,
) -> None:
    with pytest.raises(SessionNotFinalError) as early:
        await stage.app.flow.resend_event(SESSION_ID)
    assert early.value.retry_after_seconds == 5
    await stage.complete_it()
    stage.clock.advance(timedelta(seconds=1))
    stage.faults.fail("replace", StoreConflictError("lost"))
    with pytest.raises(SessionConflictError) as lost:
        await stage.app.flow.resend_event(SESSION_ID)
    assert lost.value.retry_after_seconds == 1
    with pytest.raises(EventsOffError):
        await replace(stage, topic=None).app.flow.resend_event(SESSION_ID)
    stage.faults.clear()
    stage.store.table.rows.clear()
    with pytest.raises(SessionNotFoundError):
        await stage.app.flow.resend_event(SESSION_ID)


async def test_a_forged_pass_is_told_to_nobody_until_its_row_is_mended(
    stage: Stage, topic: FakeTopic
) -> None:
    stage.face.answer = an_answer(an_attempt(liveness_decision="spoofface"))
    await stage.complete_it()
    row = stage.row(SESSION_ID)
    stage.store.table.put(row | {"outcome": "passed", "reasons": ""})

    await stage.app.queue_flow.settle(SESSION_ID)
    with pytest.raises(UnreadableRecordError):
        await stage.app.flow.resend_event(SESSION_ID)
    await stage.sweep_after(HOUR)

    assert topic.told == []
    assert stage.face.deleted == [STARTED.face_session_id]
    assert stage.events.named("event not sent")[-1]["oldest_seconds"] == HOUR.total_seconds()
    mended = {name: row[name] for name in ("outcome", "reasons")}
    stage.store.table.put(stage.row(SESSION_ID) | mended)
    await stage.sweep_after(HOUR)
    assert [one.verdict and one.verdict.outcome for one in topic.told] == ["rejected"]


async def fail_five_times(stage: Stage) -> Case:
    """Let somebody show a photo in five checks, and give the last."""
    request = a_request(user="somebody")
    for _ in range(5):
        started = await stage.process().start.start(request, None)
        case = Case(request=request, key=None, started=started)
        stage.play(case, an_answer(an_attempt(liveness_decision="spoofface")))
        stage.clock.advance(timedelta(seconds=1))
        await stage.complete(stage.process(), case)
    return case


async def test_the_failure_that_locks_is_told_beside_its_end_and_a_resend_tells_the_same(
    topic: FakeTopic,
) -> None:
    stage = Stage(topic=topic)
    last = await fail_five_times(stage)
    failed_at = stage.clock()

    await stage.sweep_after(MINUTE)
    await stage.process().flow.resend_event(last.session_id)
    await stage.sweep_after(HOUR)

    assert len(topic.told) == 6
    assert topic.locked == [(last.session_id, failed_at + MINUTE)] * 2


async def test_a_ledger_that_cannot_be_read_holds_an_event_up_and_changes_no_ending(
    topic: FakeTopic,
) -> None:
    stage = Stage(topic=topic)
    last = await fail_five_times(stage)
    stage.faults.fail("load_ledger", StoreUnavailableError("down"))

    stage.clock.advance(MINUTE)
    await stage.app.sweep.run()
    before = list(topic.locked)
    stage.faults.clear()
    await stage.sweep_after(HOUR)

    assert (before, [one for one, _ in topic.locked]) == ([], [last.session_id])
    assert stage.ending(last) == ("completed", "rejected")
    assert stage.flaws == []


async def test_no_ledger_is_read_for_an_end_that_is_no_failure(topic: FakeTopic) -> None:
    stage = Stage(topic=topic)
    case = await stage.case(answer=a_passing_answer())
    await stage.complete(stage.process(), case)

    await stage.settle(stage.app, case)

    assert len(topic.told) == 1
    assert "load_ledger" not in stage.faults.calls
