"""However many messages wait to ask Face, a result that is there is soon recorded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.app import App
from shared.face.rate_limiter import RateLimiter
from shared.session.ids import SessionId
from tests.support import virtual_time
from tests.support.builders import a_passing_answer, a_running_answer
from tests.support.fakes import FakeFace, FakeQueue, LoopClock, RecordedEvents
from tests.support.stage import Case, Stage

# What the queue keeps of SWEEP_FACE_CALLS_PER_SECOND (5), and for how long a message waits for it.
CALLS_PER_SECOND, MAX_WAIT_SECONDS = 2.5, 15
# How late the platform may bring a message, and how many at once: all that host.json says.
POLLING_SECONDS, MAX_AT_ONCE = 2, 16 + 48
# When a result comes, after its check was reported.
RESULT_SECONDS = 5


def clock() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Platform(FakeQueue):
    """Brings each message as late as it may, and no more at once than it may."""

    app: App | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_AT_ONCE))

    async def send(self, session_id: SessionId, *, delay: timedelta) -> None:
        self.tasks.append(asyncio.create_task(self._deliver(session_id, delay)))

    async def _deliver(self, session_id: SessionId, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds() + POLLING_SECONDS)
        async with self.slots:
            assert self.app is not None
            await self.app.queue_flow.settle(session_id)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Endings(RecordedEvents):
    """Notes when each session has ended."""

    ended_at: dict[object, float] = field(default_factory=dict)

    def __call__(self, event: str, /, **facts: object) -> None:
        super().__call__(event, **facts)
        if event == "session ended":
            self.ended_at[facts["session_id"]] = clock()


async def play(*reported: tuple[float, bool]) -> list[float]:
    """Report at each of these times, of a check that has a result or never will.

    Who reports has a process without a rate of its own. Returns how long each result took.
    """
    queue, endings = Platform(), Endings()
    stage = Stage(face=FakeFace(), clock=LoopClock(), queue=queue, events=endings)
    limiter = RateLimiter(CALLS_PER_SECOND, max_wait_seconds=MAX_WAIT_SECONDS)
    queue.app = replace(stage, face=replace(stage.face, acquire=limiter.acquire)).process()
    cases = [await stage.case(answer=a_running_answer()) for _ in reported]

    async def play_one(case: Case, at: float, *, has_result: bool) -> None:
        await asyncio.sleep(at - clock())
        await stage.complete(stage.app, case)
        if has_result:
            await asyncio.sleep(RESULT_SECONDS)
            stage.play(case, a_passing_answer())

    checks = zip(cases, reported, strict=True)
    await asyncio.gather(*(play_one(case, at, has_result=has) for case, (at, has) in checks))
    await asyncio.sleep(60)
    await queue.stop()
    ended_at = [endings.ended_at.get(case.session_id) for case in cases]
    return [end - at for end, (at, _) in zip(ended_at, reported, strict=True) if end is not None]


# One report every 0.85 seconds: at every moment about 35 others are waiting for one of the looks
# that messages make within half a minute.
EVERY_SO_OFTEN = [30 * number / 35 for number in range(70)]


@pytest.mark.parametrize(
    "reported",
    [
        pytest.param([(0, True)], id="nobody-else"),
        pytest.param(
            [(at, number > 35 and number % 3 == 0) for number, at in enumerate(EVERY_SO_OFTEN)],
            id="others-whose-devices-are-still-at-work",
        ),
        pytest.param([(at, True) for at in EVERY_SO_OFTEN], id="others-whose-results-come-too"),
        pytest.param(
            [*((number / 10, False) for number in range(35)), *((at, True) for at in range(9, 19))],
            id="others-who-reported-all-at-once",
        ),
    ],
)
def test_a_result_that_comes_five_seconds_after_its_report_is_recorded_within_ten(
    reported: Sequence[tuple[float, bool]],
) -> None:
    took = virtual_time.run(play(*reported))

    assert len(took) == sum(has_result for _, has_result in reported)
    assert max(took) <= 10


async def bring_at_once(messages: int) -> FakeFace:
    """Bring so many messages of one session, whose device is still at work."""
    stage = Stage(face=FakeFace(), clock=LoopClock())
    limiter = RateLimiter(CALLS_PER_SECOND, max_wait_seconds=MAX_WAIT_SECONDS)
    app = replace(stage, face=replace(stage.face, acquire=limiter.acquire)).process()
    other, case = [await stage.case(answer=a_running_answer()) for _ in range(2)]
    settled = [app.queue_flow.settle(one.session_id) for one in (other, *[case] * messages)]
    await asyncio.gather(*settled)
    return stage.face


def test_however_often_a_message_is_brought_its_session_is_looked_at_once() -> None:
    face = virtual_time.run(bring_at_once(MAX_AT_ONCE))

    assert sorted(face.asked_about) == ["face-1", "face-2"]


def test_of_results_that_all_come_at_once_so_many_are_recorded_as_the_rate_permits() -> None:
    took = virtual_time.run(play(*[(0, True)] * 36))

    assert sum(one <= 10 for one in took) >= (10 - RESULT_SECONDS) * CALLS_PER_SECOND - 1
    assert max(took) <= 20
