"""After any outage reported checks come first, at the permitted rate, to the ending Face gave."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import FaceUnavailableError
from shared.face.rate_limiter import RateLimiter
from shared.session import transitions
from shared.session.face_answer import FaceAnswer
from shared.session.session import Session, Status
from tests.support import virtual_time
from tests.support.builders import (
    NOW,
    a_passing_answer,
    a_running_answer,
    a_session,
    an_answer,
    an_attempt,
)
from tests.support.fakes import FakeFace, LoopClock
from tests.support.stage import STALE, Case, Stage

# What the sweep keeps of SWEEP_FACE_CALLS_PER_SECOND (5), and what one run can make of it.
CALLS_PER_SECOND = 2.5
CALLS_OF_A_RUN = 50 * CALLS_PER_SECOND
SPOOF = an_answer(an_attempt(liveness_decision="spoofface"))
REPORTED = [a_passing_answer(), SPOOF] * 15


def a_stage() -> Stage:
    return Stage(face=FakeFace(acquire=RateLimiter(CALLS_PER_SECOND).acquire), clock=LoopClock())


async def tick(stage: Stage) -> None:
    """Run a sweep as the timer does, and let the rest of its minute pass."""
    clock = asyncio.get_running_loop().time
    ends_at = clock() + 60
    await stage.process(stage.faults).sweep.run()
    await asyncio.sleep(max(0, ends_at - clock()))


async def report(stage: Stage, answer: FaceAnswer) -> Case:
    case = await stage.case(answer=answer)
    await stage.complete(stage.app, case)
    return case


async def live_through(stage: Stage, outage: timedelta) -> tuple[list[Case], list[Case], int]:
    """Report checks while Face is away, and count the runs after it is back.

    Others have been due for longer by then.
    """
    stage.face.acquire, acquire = None, stage.face.acquire
    nobodys = [await stage.case(answer=a_running_answer()) for _ in range(100)]
    stage.clock.advance(STALE)
    for call in ("get", "delete"):
        stage.faults.fail(call, FaceUnavailableError("down"))
    reported = [await report(stage, answer) for answer in REPORTED]
    for _ in range(15):
        stage.clock.advance(outage / 15)
        await tick(stage)
    stage.clock.advance(STALE)
    stage.faults.clear()
    stage.face.acquire, runs = acquire, 0
    stage.face.asked_about.clear()
    while any(one.status not in FINAL for one in stage.store.sessions.values()):
        await tick(stage)
        runs += 1
    return reported, nobodys, runs


FINAL = {Status.COMPLETED, Status.ABANDONED}


@pytest.mark.parametrize(
    "outage",
    [timedelta(minutes=15), timedelta(hours=4), timedelta(hours=10)],
    ids=["a-quarter-of-an-hour", "four-hours", "a-night"],
)
def test_after_an_outage_reported_checks_come_first_and_to_their_right_endings(
    outage: timedelta,
) -> None:
    stage = a_stage()
    reported, nobodys, runs = virtual_time.run(live_through(stage, outage))

    assert [stage.ending(case) for case in reported] == [
        ("completed", "passed"),
        ("completed", "rejected"),
    ] * 15
    assert {stage.ending(case) for case in nobodys} == {("abandoned", None)}
    first = {case.session.face_session_id for case in reported}
    assert set(stage.face.asked_about[: len(first)]) == first
    # A look and a delete for each, and one run more for the rest of the last one.
    assert runs <= 2 * (len(reported) + len(nobodys)) / CALLS_OF_A_RUN + 1
    assert stage.flaws == []
    held = [fact["held"] for fact in stage.events.named("sweep ended")]
    assert max(map(int, map(str, held))) >= len(reported)


def an_abandoned_one(number: int) -> Session:
    return a_session(
        session_id=f"{number % 16:x}{number:032x}",
        face_session_id=f"nobodys-{number}",
        alarm_at=NOW - timedelta(minutes=30) + timedelta(milliseconds=number),
    )


def a_reported_one(number: int) -> Session:
    session = a_session(
        session_id=f"{number % 16:x}f{number:031x}", face_session_id=f"reported-{number}"
    )
    return replace(transitions.processing(session, NOW), alarm_at=NOW)


@pytest.mark.parametrize("abandoned", [0, 5000])
def test_five_thousand_abandoned_sessions_that_are_due_delay_no_reported_verdict(
    abandoned: int,
) -> None:
    stage = a_stage()
    stage.clock.advance(STALE)
    stage.store.hold(*map(a_reported_one, range(20)), *map(an_abandoned_one, range(abandoned)))
    stage.face.answers = {f"reported-{number}": a_passing_answer() for number in range(20)}
    ended_at = dict[object, float]()

    async def sweep() -> None:
        clock, log = asyncio.get_running_loop().time, stage.events
        app = stage.app

        def note(event: str, /, **facts: object) -> None:
            if event == "session ended" and facts["status"] == "completed":
                ended_at[facts["session_id"]] = clock()
            log(event, **facts)

        await replace(app.sweep, walk=replace(app.sweep.walk, log=note)).run()

    virtual_time.run(sweep())

    assert len(ended_at) == 20
    # A look and a delete for each, whatever else is due.
    assert max(ended_at.values()) <= 2 * 20 / CALLS_PER_SECOND
