import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.errors import (
    DependencyError,
    FaceRefusedError,
    FaceUnavailableError,
    KeyUnavailableError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
    UnsettledError,
)
from shared.flow.session_flow import LivenessFlow
from shared.secret import Secret
from shared.session import transitions
from shared.session.face_answer import FaceAnswer
from shared.session.session import Outcome, Report, Session, Status, Verdict
from tests.support.builders import (
    DIGEST,
    FACE_SESSION_ID,
    GRACE,
    NOW,
    RETENTION,
    RULES,
    SESSION_ID,
    TOKEN,
    TOKEN_LIFE,
    a_failed_attempt,
    a_passing_answer,
    a_running_answer,
    a_session,
    an_answer,
)
from tests.support.fakes import Clock, FakeFace, RecordedEvents
from tests.support.faults import Faults
from tests.support.memory_table import StoreInMemory

SILENCES = [
    pytest.param(FaceUnavailableError("down"), id="FaceUnavailable"),
    pytest.param(FaceRefusedError("no"), id="FaceRefused"),
    pytest.param(KeyUnavailableError("no key"), id="KeyUnavailable"),
]
STARTED = a_session()
STALE = NOW + TOKEN_LIFE + GRACE
# Reported a minute ago, so that another report is worth a message.
PROCESSING = replace(
    transitions.processing(STARTED, NOW), reminded_at=NOW - transitions.REMINDER_PAUSE
)
OPEN = [pytest.param(STARTED, id="started"), pytest.param(PROCESSING, id="processing")]
FINAL = [
    pytest.param(
        transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW), id="completed"
    ),
    pytest.param(transitions.abandoned(STARTED, NOW), id="abandoned"),
    pytest.param(transitions.canceled(STARTED, NOW), id="canceled"),
]


@dataclass
class Stage:
    """A flow on fakes, and what it did."""

    face: FakeFace = field(default_factory=FakeFace)
    store: StoreInMemory = field(default_factory=StoreInMemory)
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=Clock)
    notes: RecordedEvents = field(default_factory=RecordedEvents)
    reminders: list[str] = field(default_factory=list)

    @property
    def flow(self) -> LivenessFlow:
        return LivenessFlow(
            face=self.faults.around(self.face),
            store=self.faults.around(self.store),
            rules=RULES,
            now=self.clock,
            log=self.notes,
        )

    @property
    def session(self) -> Session:
        return self.store.sessions[SESSION_ID]

    def at(self, session: Session, answer: FaceAnswer | None) -> "Stage":
        self.store.hold(session)
        self.face.answer = answer
        return self

    async def complete(self, report: Report | None = None) -> Session:
        return await self.flow.complete(
            SESSION_ID, TOKEN, report or Report(), self.reminders.append
        )

    async def cancel(self) -> Session:
        await self.flow.cancel(SESSION_ID, TOKEN)
        return self.session

    async def settle(self, *, last_try: bool = False) -> Session:
        await self.flow.settle(SESSION_ID, last_try=last_try)
        return self.session


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("session", [*OPEN, *FINAL])
async def test_the_token_opens_its_session_in_every_state(session: Session, stage: Stage) -> None:
    stage.at(session, None)

    assert (await stage.flow.status(SESSION_ID, TOKEN)).status is session.status
    assert stage.face.calls == []


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
    loads = 0

    def count() -> None:
        nonlocal loads
        loads += 1

    stage.faults.fail_next("load", *[count] * 3)
    for attempt in (
        stage.flow.status(session_id, token),
        stage.flow.complete(session_id, token, Report(), stage.reminders.append),
        stage.flow.cancel(session_id, token),
    ):
        with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
            await attempt

    assert loads == 3
    assert (stage.face.calls, stage.reminders, stage.store.writes) == ([], [], 0)


@pytest.mark.parametrize("session", FINAL)
async def test_a_result_is_there_once_the_session_has_ended(session: Session, stage: Stage) -> None:
    stage.at(session, None)

    assert await stage.flow.result(SESSION_ID) == stage.session


@pytest.mark.parametrize("session", OPEN)
async def test_an_open_session_has_no_result_SessionNotFinal(  # noqa: N802
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())

    with pytest.raises(SessionNotFinalError):
        await stage.flow.result(SESSION_ID)

    assert stage.face.calls == []


@pytest.mark.parametrize("session_id", [SESSION_ID, "'", ""])
async def test_an_unknown_session_has_no_result_SessionNotFound(  # noqa: N802
    session_id: str, stage: Stage
) -> None:
    with pytest.raises(SessionNotFoundError):
        await stage.flow.result(session_id)


@pytest.mark.parametrize("session", OPEN)
async def test_a_finished_check_is_recorded_and_forgotten_at_face(
    session: Session, stage: Stage
) -> None:
    completed = await stage.at(session, a_passing_answer()).complete(Report(digest=DIGEST))

    assert completed == stage.session
    assert (completed.status, completed.ended_at) == (Status.COMPLETED, NOW)
    assert completed.verdict is not None
    assert completed.verdict.outcome is Outcome.PASSED
    assert (completed.has_face_data, completed.alarm_at) == (False, NOW + RETENTION)
    assert stage.face.deleted == [FACE_SESSION_ID]
    assert stage.reminders == []


@pytest.mark.parametrize("silence", SILENCES)
async def test_a_face_session_that_could_not_be_deleted_is_left_to_the_alarm(
    silence: Exception, stage: Stage
) -> None:
    stage.faults.fail("delete", silence)
    completed = await stage.at(STARTED, a_passing_answer()).complete()

    assert (completed.status, completed.has_face_data) == (Status.COMPLETED, True)
    assert completed.alarm_at == NOW
    assert stage.faults.calls.count("delete") == 1


@pytest.mark.parametrize(
    "trouble", [StoreConflictError("lost"), StoreUnavailableError("down")], ids=repr
)
async def test_a_cleanup_that_could_not_be_recorded_is_left_to_the_alarm(
    trouble: Exception, stage: Stage
) -> None:
    stage.faults.fail_next("replace", lambda: None, trouble)
    completed = await stage.at(STARTED, a_passing_answer()).complete()

    assert (completed.status, completed.has_face_data) == (Status.COMPLETED, True)
    assert completed == stage.session


@pytest.mark.parametrize("session", OPEN)
async def test_a_completion_without_a_result_waits_for_a_message(
    session: Session, stage: Stage
) -> None:
    waiting = await stage.at(session, a_running_answer()).complete(Report(digest=DIGEST))

    assert waiting.status is Status.PROCESSING
    assert stage.session.report == Report(digest=DIGEST)
    assert (stage.reminders, stage.face.calls) == ([SESSION_ID], ["get"])


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize("silence", SILENCES)
async def test_silence_of_face_is_never_an_outcome(
    session: Session, silence: Exception, stage: Stage
) -> None:
    stage.faults.fail("get", silence)
    report = Report(digest=DIGEST, liveness_error="TimedOut")
    waiting = await stage.at(session, None).complete(report)

    assert (waiting.status, waiting.report) == (Status.PROCESSING, report)
    assert stage.reminders == [SESSION_ID]


@pytest.mark.parametrize("session", OPEN)
async def test_a_reported_error_lets_the_person_try_again(session: Session, stage: Stage) -> None:
    report = Report(liveness_error="FaceWithMaskDetected")
    answer = an_answer(a_failed_attempt(), status="Running")
    again = await stage.at(session, answer).complete(report)

    assert (again.status, again.report) == (Status.STARTED, report)
    assert again.alarm_at == STARTED.alarm_at
    assert stage.reminders == []


@pytest.mark.parametrize("session", OPEN)
async def test_a_session_that_face_does_not_know_is_abandoned(
    session: Session, stage: Stage
) -> None:
    assert (await stage.at(session, None).complete()).status is Status.ABANDONED


@pytest.mark.parametrize("session", FINAL)
async def test_a_completion_of_a_final_session_changes_nothing(
    session: Session, stage: Stage
) -> None:
    stage.at(session, a_passing_answer())

    assert await stage.complete(Report(digest=DIGEST)) == stage.session
    assert (stage.face.calls, stage.store.writes, stage.reminders) == ([], 0, [])


async def test_a_session_that_keeps_being_reported_reminds_once_a_minute(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    for _ in range(13):
        await stage.complete()
        stage.clock.advance(timedelta(seconds=10))

    assert stage.reminders == [SESSION_ID] * 3
    assert stage.session.alarm_at == NOW + timedelta(minutes=2)


async def test_trying_again_and_again_reminds_once_a_minute(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    for _ in range(6):
        await stage.complete()
        await stage.complete(Report(liveness_error="FaceWithMaskDetected"))
        stage.clock.advance(timedelta(seconds=10))

    assert stage.reminders == [SESSION_ID]


async def test_completions_at_the_same_moment_remind_once(stage: Stage) -> None:
    stage.at(STARTED, a_running_answer())
    await asyncio.gather(*(stage.complete() for _ in range(5)))

    assert stage.reminders == [SESSION_ID]


async def test_a_completion_that_could_not_be_recorded_leaves_a_message(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer()).faults.fail_next("replace", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.complete()

    assert (stage.session.status, stage.reminders) == (Status.STARTED, [SESSION_ID])


async def test_of_two_completions_at_once_both_learn_the_one_verdict(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())
    ended = transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW)
    stage.faults.fail_next("replace", lambda: stage.store.hold(ended))
    completed = await stage.complete()

    assert completed.verdict == ended.verdict


async def test_an_ending_is_told_once(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())
    ended = transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW)
    stage.faults.fail_next("replace", lambda: stage.store.hold(ended))
    await stage.complete()

    # Whoever wrote the ending told of it; this call lost that race.
    assert stage.notes.named("session ended") == []


async def test_an_ending_is_told_without_a_word_on_the_person(stage: Stage) -> None:
    await stage.at(STARTED, a_passing_answer()).complete()

    (facts,) = stage.notes.named("session ended")
    assert facts == {
        "session_id": SESSION_ID,
        "kind": "liveness",
        "status": "completed",
        "outcome": "passed",
        "reasons": "",
        "model_version": "2024-11-15",
    }


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
    given_up = await stage.at(session, answer).cancel()

    assert (given_up.status, given_up.has_face_data) == (status, False)
    assert stage.face.calls == ["get", "delete"]


@pytest.mark.parametrize("silence", SILENCES)
async def test_giving_up_is_refused_while_face_is_silent(silence: Exception, stage: Stage) -> None:
    stage.faults.fail("get", silence)

    with pytest.raises(type(silence)):
        await stage.at(STARTED, None).cancel()

    assert stage.session.status is Status.STARTED


@pytest.mark.parametrize("session", FINAL)
async def test_giving_up_a_final_session_changes_nothing(session: Session, stage: Stage) -> None:
    given_up = await stage.at(session, a_passing_answer()).cancel()

    assert given_up == replace(session, version=given_up.version)
    assert stage.face.calls == []


@pytest.mark.parametrize("last_try", [False, True], ids=["first-try", "last-try"])
@pytest.mark.parametrize("session", OPEN)
async def test_a_message_records_the_ending(
    session: Session, stage: Stage, *, last_try: bool
) -> None:
    settled = await stage.at(session, a_passing_answer()).settle(last_try=last_try)

    assert (settled.status, settled.has_face_data) == (Status.COMPLETED, False)


async def test_a_message_without_a_result_comes_again(stage: Stage) -> None:
    with pytest.raises(UnsettledError):
        await stage.at(PROCESSING, a_running_answer()).settle()

    assert stage.store.writes == 0


async def test_the_last_try_of_a_message_lets_go(stage: Stage) -> None:
    settled = await stage.at(PROCESSING, a_running_answer()).settle(last_try=True)

    assert settled == replace(PROCESSING, version=settled.version)


async def test_a_message_of_somebody_who_tries_again_has_nothing_to_do(stage: Stage) -> None:
    settled = await stage.at(STARTED, a_running_answer()).settle()

    assert settled == replace(STARTED, version=settled.version)


@pytest.mark.parametrize("silence", SILENCES)
async def test_a_message_comes_again_while_face_is_silent(silence: Exception, stage: Stage) -> None:
    stage.at(PROCESSING, None).faults.fail("get", silence)

    with pytest.raises(DependencyError):
        await stage.settle()
    await stage.settle(last_try=True)

    assert stage.notes.named("message let go") == [{"session_id": SESSION_ID}]
    assert stage.session.status is Status.PROCESSING


async def test_a_message_comes_again_while_the_store_is_down(stage: Stage) -> None:
    stage.at(PROCESSING, None).faults.fail_next("load", *[StoreUnavailableError("down")] * 2)

    with pytest.raises(StoreUnavailableError):
        await stage.settle()
    await stage.settle(last_try=True)


async def test_a_message_that_lost_five_races_comes_again(stage: Stage) -> None:
    stage.at(PROCESSING, a_passing_answer())
    stage.faults.fail_next("replace", *[StoreConflictError("lost")] * 10)

    with pytest.raises(SessionConflictError):
        await stage.settle()
    await stage.settle(last_try=True)


@pytest.mark.parametrize("session", FINAL)
async def test_a_message_of_a_final_session_succeeds(session: Session, stage: Stage) -> None:
    await stage.at(session, a_passing_answer()).settle()

    assert (stage.face.calls, stage.store.writes) == ([], 0)


async def test_a_message_of_an_unknown_session_succeeds(stage: Stage) -> None:
    await stage.flow.settle(SESSION_ID, last_try=False)

    assert stage.face.calls == []


async def handle_alarm(stage: Stage, at: timedelta = STALE - NOW) -> str:
    stage.clock.moment = NOW + at
    return await stage.flow.handle_alarm(SESSION_ID)


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "status", "done"),
    [
        pytest.param(a_passing_answer(), Status.COMPLETED, "settled", id="nobody-reported-it"),
        pytest.param(
            an_answer(a_failed_attempt(), status="Running"),
            Status.COMPLETED,
            "settled",
            id="an-attempt-in-error",
        ),
        pytest.param(a_running_answer(), Status.ABANDONED, "abandoned", id="no-attempt"),
        pytest.param(None, Status.ABANDONED, "abandoned", id="face-has-forgotten-it"),
    ],
)
async def test_a_stale_session_is_ended_by_its_alarm(
    session: Session, answer: FaceAnswer | None, status: Status, done: str, stage: Stage
) -> None:
    assert await handle_alarm(stage.at(session, answer)) == done
    assert (stage.session.status, stage.session.has_face_data) == (status, False)
    assert stage.face.calls == ["get", "delete"]


@pytest.mark.parametrize("silence", SILENCES)
async def test_a_stale_session_stays_open_while_face_is_silent(
    silence: Exception, stage: Stage
) -> None:
    stage.at(STARTED, None).faults.fail("get", silence)

    assert await handle_alarm(stage) == "postponed"
    assert stage.session.alarm_at == STALE + timedelta(minutes=2)
    assert await handle_alarm(stage, STALE - NOW + timedelta(minutes=2)) == "postponed"
    assert stage.session.alarm_at == STALE + timedelta(minutes=6)
    assert stage.session.status is Status.STARTED


async def test_a_session_that_face_must_have_forgotten_is_abandoned(stage: Stage) -> None:
    for call in ("get", "delete"):
        stage.at(STARTED, None).faults.fail(call, FaceUnavailableError("down"))

    assert await handle_alarm(stage, timedelta(hours=48)) == "abandoned"
    assert stage.session.status is Status.ABANDONED


async def test_an_alarm_before_its_time_does_nothing(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())

    assert await handle_alarm(stage, STALE - NOW - timedelta(milliseconds=1)) == "skipped"
    assert (stage.face.calls, stage.store.writes) == ([], 0)


async def test_an_alarm_of_an_unknown_session_is_set_aside(stage: Stage) -> None:
    with pytest.raises(UnreadableRecordError):
        await handle_alarm(stage)


@pytest.mark.parametrize("session", FINAL)
async def test_what_has_ended_is_forgotten_at_face(session: Session, stage: Stage) -> None:
    assert await handle_alarm(stage.at(session, None)) == "deleted"
    assert stage.session == replace(
        session,
        has_face_data=False,
        alarm_at=NOW + RETENTION,
        version=stage.session.version,
    )


async def test_forgetting_at_face_is_tried_again_a_minute_later_and_later(stage: Stage) -> None:
    stage.at(transitions.canceled(STARTED, NOW), None).faults.fail(
        "delete", KeyUnavailableError("")
    )

    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        rings_at = stage.session.alarm_at
        assert await handle_alarm(stage, rings_at - NOW) == "postponed"
        assert stage.session.alarm_at == rings_at + timedelta(minutes=minutes)


async def test_forgetting_at_face_ends_when_face_must_have_forgotten(stage: Stage) -> None:
    stage.at(transitions.canceled(STARTED, NOW), None).faults.fail("delete", FaceRefusedError("no"))

    assert await handle_alarm(stage, timedelta(hours=48)) == "deleted"
    assert not stage.session.has_face_data


async def test_a_record_is_purged_at_the_end_of_its_retention(stage: Stage) -> None:
    ended = transitions.face_data_deleted(transitions.canceled(STARTED, NOW), RETENTION)
    stage.at(ended, None)

    assert await handle_alarm(stage, RETENTION - timedelta(milliseconds=1)) == "skipped"
    assert await handle_alarm(stage, RETENTION) == "purged"
    assert (stage.store.sessions, stage.face.calls) == ({}, [])
