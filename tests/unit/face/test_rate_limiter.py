import asyncio

import pytest

from shared.face.rate_limiter import RateLimiter
from tests.support import virtual_time


async def note_calls(limiter: RateLimiter, times: list[float], *pauses: float) -> None:
    for pause in pauses:
        await asyncio.sleep(pause)
        await limiter.acquire()
        times.append(asyncio.get_running_loop().time())


def test_no_second_has_more_calls_than_the_rate_allows() -> None:
    async def run() -> list[float]:
        limiter, times = RateLimiter(5), list[float]()
        await asyncio.gather(*(note_calls(limiter, times, *[0] * 10) for _ in range(8)))
        return times

    times = virtual_time.run(run())

    assert len(times) == 80
    assert max(sum(start <= time < start + 1 for time in times) for start in times) <= 6
    assert times[-1] == pytest.approx(79 / 5)


def test_what_nobody_used_is_not_saved_up_for_a_burst() -> None:
    async def run() -> list[float]:
        limiter, times = RateLimiter(5), list[float]()
        await note_calls(limiter, times, 0, 60, 0, 0)
        return times

    assert virtual_time.run(run()) == pytest.approx([0, 60, 60.2, 60.4])
