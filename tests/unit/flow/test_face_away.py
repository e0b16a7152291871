"""While Face is away nothing is postponed, and nobody else waits for it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from shared.errors import FaceOutcomeUnknownError, FaceRefusedError, FaceUnavailableError
from shared.face.breaker import Breaker
from shared.session import transitions
from shared.session.session import Session, Status
from tests.support import virtual_time
from tests.support.builders import NOW, RETENTION, a_passing_answer, a_session
from tests.support.fakes import FakeFace
from tests.support.stage import Stage
from tests.unit.flow.states import STALE_AT

DOWN = FaceUnavailableError("down")
OPEN = FaceUnavailableError("away", is_breaker_open=True, retry_after_seconds=4)


def reported(count: int) -> list[Session]:
    """Sessions that were reported one after another, the first of them first."""
    return [
        transitions.processing(
            a_session(session_id=f"{number % 16:x}{number:032x}", face_session_id=f"face-{number}"),
            NOW + timedelta(seconds=number),
        )
        for number in range(count)
    ]


def canceled(number: int) -> Session:
    return transitions.canceled(a_session(session_id=f"c{number:032x}"), NOW)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.clock.moment = STALE_AT
    stage.face.answer = a_passing_answer()
    return stage


async def sweep(stage: Stage) -> dict[str, object]:
    """Run a sweep, and return what it has counted."""
    await stage.app.sweep.run()
    ended = stage.events.named("sweep ended")[-1]
    return {name: count for name, count in ended.items() if count}


def alarms(stage: Stage) -> dict[str, object]:
    return {session.session_id: session.alarm_at for session in stage.store.sessions.values()}


@pytest.mark.parametrize("error", [OPEN, FaceRefusedError("no", is_breaker_open=True)], ids=repr)
def test_whom_an_open_breaker_keeps_from_being_asked_stays_due_and_the_rest_goes_on(
    error: FaceOutcomeUnknownError, stage: Stage
) -> None:
    purge = transitions.face_data_deleted(canceled(1), timedelta())
    stage.store.hold(*reported(20), canceled(0), purge)
    before = alarms(stage)
    for call in ("get", "delete"):
        stage.faults.fail(call, error)

    ended = virtual_time.run(sweep(stage))

    assert ended == {"due": 22, "held": 21, "purged": 1, "oldest_seconds": 900}
    # One who waits first, and one as far from him as can be.
    assert stage.face_calls == ["get", "delete"]
    assert alarms(stage) == {one: at for one, at in before.items() if one != purge.session_id}


def test_what_is_held_is_no_lag_of_the_sweep(stage: Stage) -> None:
    stage.store.hold(*reported(20), canceled(0))
    for call in ("get", "delete"):
        stage.faults.fail(call, OPEN)

    assert virtual_time.run(sweep(stage)) == {"due": 21, "held": 21}


async def test_a_silent_face_is_asked_a_few_times_and_nobody_is_postponed(stage: Stage) -> None:
    stage.store.hold(*reported(20))
    before = alarms(stage)
    stage.faults.fail("get", DOWN)

    assert await sweep(stage) == {"due": 20, "held": 20}
    assert stage.face_calls == ["get"] * 9
    assert alarms(stage) == before


async def test_one_whom_face_does_not_answer_is_postponed_if_it_answers_others(
    stage: Stage,
) -> None:
    first, *others = reported(3)
    stage.store.hold(first, *others)
    stage.face.errors[first.face_session_id] = DOWN

    assert await sweep(stage) == {"due": 3, "settled": 2, "postponed": 1, "oldest_seconds": 840}
    assert stage.store.sessions[first.session_id].alarm_at == STALE_AT + timedelta(minutes=1)


class Breakers:
    """Face, where each kind of call is left alone for two seconds after five failures in a row."""

    def __init__(self, face: FakeFace) -> None:
        self.face, self.clock = face, lambda: asyncio.get_running_loop().time()
        self.breakers = {name: Breaker(self.clock) for name in ("get", "delete")}

    def __getattr__(self, name: str) -> object:
        call, breaker = getattr(self.face, name), self.breakers.get(name)

        async def guarded(*arguments: object) -> object:
            with breaker.guard() if breaker else nullcontext():
                return await call(*arguments)

        return guarded


@pytest.mark.parametrize("others", ["reported", "abandoned"])
def test_five_that_fail_for_themselves_alone_keep_nobody_from_being_settled(
    others: str, stage: Stage
) -> None:
    failing, rest = reported(5), reported(30)[5:]
    if others == "abandoned":
        rest = [a_session(session_id=f"d{number:032x}") for number in range(25)]
    stage.store.hold(*failing, *rest)
    for session in failing:
        stage.face.errors[session.face_session_id] = DOWN
    guarded = cast("FakeFace", Breakers(stage.face))

    ended = virtual_time.run(sweep(replace(stage, face=guarded)))

    assert ended["postponed"] == 5
    assert all(stage.store.sessions[one.session_id].is_final for one in rest)


async def test_those_who_fail_for_themselves_alone_are_not_asked_about_first_again(
    stage: Stage,
) -> None:
    app, sessions = stage.app, reported(12)
    stage.store.hold(*sessions)
    failing = [*sessions[:8], *sessions[10:]]
    for session in failing:
        stage.face.errors[session.face_session_id] = DOWN

    for _ in range(2):
        await app.sweep.run()

    statuses = [stage.store.sessions[one.session_id].status for one in sessions]
    assert [status for status in statuses if status is Status.COMPLETED] == statuses[8:10]
    assert stage.events.named("sweep ended")[1]["postponed"] == 10


def opens_at(number: int, stage: Stage, *, for_calls: int) -> Callable[[], None]:
    """Let the breaker be open for some of Face's calls."""

    def fail() -> None:
        if number <= stage.face_calls.count("get") < number + for_calls:
            raise OPEN

    return fail


@pytest.mark.parametrize(("for_calls", "counted"), [(9, {"settled": 20}), (10, {"held": 11})])
def test_a_breaker_that_opens_in_between_is_waited_for_once_and_for_another(
    for_calls: int, counted: dict[str, int], stage: Stage
) -> None:
    stage.store.hold(*reported(20))
    # One asks first, then eight at once; the breaker opens for the next eight.
    stage.faults.fail_next("get", *[opens_at(10, stage, for_calls=for_calls)] * 40)

    ended = virtual_time.run(sweep(stage))

    assert ended == {"due": 20, "settled": 9, "oldest_seconds": 840, **counted}


async def test_a_record_is_kept_until_its_retention_ends_whatever_face_does(stage: Stage) -> None:
    stage.store.hold(transitions.face_data_deleted(canceled(0), RETENTION))
    stage.faults.fail("get", DOWN)

    assert await sweep(stage) == {}
