import asyncio

import pytest

from shared.face.pace import Pace
from tests.support import virtual_time


async def note_turns(pace: Pace, times: list[float], *pauses: float) -> None:
    for pause in pauses:
        await asyncio.sleep(pause)
        await pace.acquire()
        times.append(asyncio.get_running_loop().time())


def test_no_second_has_more_turns_than_the_pace_allows() -> None:
    async def run() -> list[float]:
        pace, times = Pace(5), list[float]()
        await asyncio.gather(*(note_turns(pace, times, *[0] * 10) for _ in range(8)))
        return times

    times = virtual_time.run(run())

    assert len(times) == 80
    assert max(sum(start <= time < start + 1 for time in times) for start in times) <= 6
    assert times[-1] == pytest.approx(79 / 5)


def test_turns_that_nobody_took_are_not_saved_up() -> None:
    async def run() -> list[float]:
        pace, times = Pace(5), list[float]()
        await note_turns(pace, times, 0, 60, 0, 0)
        return times

    assert virtual_time.run(run()) == pytest.approx([0, 60, 60.2, 60.4])
