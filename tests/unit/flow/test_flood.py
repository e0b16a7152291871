"""Face lets ten calls a second through, and one person's token loops on 24 connections."""

import asyncio
from collections import deque

from shared.app import App
from shared.errors import FaceUnavailableError
from shared.session.session import Report, Status
from tests.support import virtual_time
from tests.support.builders import a_passing_answer, a_running_answer
from tests.support.fakes import FakeFace, LoopClock
from tests.support.stage import Case, Stage

CONNECTIONS, VICTIMS = 24, 12
ROUND_TRIP_SECONDS, FLOOD_PAUSE_SECONDS = 0.005, 0.03


class Throttle:
    """Refuses whatever comes after ten calls within a second."""

    def __init__(self) -> None:
        self.refused = 0
        self._passed: deque[float] = deque()

    async def count_call(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._passed and self._passed[0] <= now - 1:
            self._passed.popleft()
        if len(self._passed) == 10:
            self.refused += 1
            raise FaceUnavailableError("throttled", retry_after_seconds=1)
        self._passed.append(now)
        await asyncio.sleep(ROUND_TRIP_SECONDS)


async def loop_on(app: App, case: Case) -> None:
    while True:
        await app.flow.complete(case.session_id, case.token, Report())
        await asyncio.sleep(FLOOD_PAUSE_SECONDS)


async def one_check(stage: Stage, app: App) -> float:
    """Start, play and complete a check, and return how long its calls took."""
    clock = asyncio.get_running_loop().time
    begin = clock()
    case = await stage.case(answer=a_passing_answer())
    completed = await app.flow.complete(case.session_id, case.token, Report())
    assert completed.status is Status.COMPLETED
    return clock() - begin


async def checks(throttle: Throttle, *, with_flood: bool) -> tuple[list[float], Stage]:
    """Let the others come by, two a second."""
    stage = Stage(face=FakeFace(on_call=throttle.count_call), clock=LoopClock())
    app = stage.process()
    flood = []
    if with_flood:
        case = await stage.case(answer=a_running_answer())
        flood = [asyncio.create_task(loop_on(app, case)) for _ in range(CONNECTIONS)]
    took = []
    for _ in range(VICTIMS):
        await asyncio.sleep(0.5)
        took.append(await one_check(stage, app))
    for task in flood:
        task.cancel()
    await asyncio.wait(flood) if flood else None
    return took, stage


def test_one_persons_token_that_loops_takes_nothing_from_the_checks_of_others() -> None:
    throttle = Throttle()
    quiet, _ = virtual_time.run(checks(Throttle(), with_flood=False))
    flooded, stage = virtual_time.run(checks(throttle, with_flood=True))

    assert throttle.refused == 0
    assert max(flooded) <= 3 * max(quiet)
    # In six seconds: at once, after two and after six.
    assert stage.face.asked_about.count("face-1") <= 3
