import asyncio

import pytest

from shared.errors import FaceUnavailableError
from shared.face.rate_limiter import LAST_RANK, RateLimiter
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


def test_of_those_who_wait_the_lowest_rank_goes_first_and_of_these_who_came_first() -> None:
    async def run() -> list[float]:
        limiter, went = RateLimiter(5), list[float]()

        async def go(rank: float) -> None:
            await limiter.acquire(rank)
            went.append(rank)

        await asyncio.gather(*map(go, [9, 3, LAST_RANK, -1.5, 3.5, -2]))
        return went

    assert virtual_time.run(run()) == [9, -2, -1.5, 3, 3.5, LAST_RANK]


def test_who_has_waited_too_long_or_is_canceled_uses_up_nobodys_turn() -> None:
    async def run() -> list[float]:
        limiter, times = RateLimiter(0.5, max_wait_seconds=5), list[float]()
        canceled = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(limiter.acquire(rank)) for rank in (0, 1, 2, 3)]
        await asyncio.sleep(0)
        waiting.pop(1).cancel()
        with pytest.raises(FaceUnavailableError) as refusal:
            await waiting[-1]
        assert (canceled.done(), refusal.value.is_breaker_open) == (True, True)
        await note_calls(limiter, times, 0)
        return times

    assert virtual_time.run(run()) == pytest.approx([6])
