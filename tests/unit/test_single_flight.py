import asyncio
from dataclasses import dataclass, field

import pytest

from shared.single_flight import SingleFlight


@dataclass
class Work:
    """Something that takes until a test lets it end."""

    begun: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Exception | None = None

    async def run(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        if self.fails:
            raise self.fails
        return number


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def flight(work: Work) -> SingleFlight[int]:
    return SingleFlight(work.run)


async def join_all(flight: SingleFlight[int], count: int) -> list[asyncio.Task[int]]:
    waiting = [asyncio.create_task(flight.join()) for _ in range(count)]
    for _ in range(2):
        await asyncio.sleep(0)
    return waiting


async def test_fifty_who_wait_share_one_run(flight: SingleFlight[int], work: Work) -> None:
    waiting = await join_all(flight, 50)
    work.may_end.set()

    assert await asyncio.gather(*waiting) == [1] * 50
    assert await flight.join() == 2


async def test_fifty_who_wait_share_one_failure(flight: SingleFlight[int], work: Work) -> None:
    work.fails = ValueError("no")
    waiting = await join_all(flight, 50)
    work.may_end.set()

    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert ({repr(end) for end in ends}, work.begun) == ({"ValueError('no')"}, 1)


async def test_one_who_gives_up_takes_nothing_from_the_others(
    flight: SingleFlight[int], work: Work
) -> None:
    impatient, patient = await join_all(flight, 2)
    impatient.cancel()
    await asyncio.sleep(0)
    work.may_end.set()

    assert await patient == 1
    assert impatient.cancelled()


async def test_a_run_that_nobody_waited_for_may_fail(flight: SingleFlight[int], work: Work) -> None:
    work.fails = ValueError("nobody looks at this")
    work.may_end.set()
    await asyncio.wait({flight.start()})

    work.fails = None
    assert await flight.join() == 2


async def test_a_run_that_was_broken_off_has_ended_and_leaves_room_for_the_next(
    flight: SingleFlight[int], work: Work
) -> None:
    await flight.close()
    (waiting,) = await join_all(flight, 1)
    run = flight.start()
    await flight.close()
    assert run.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    work.may_end.set()

    assert await flight.join() == 2
