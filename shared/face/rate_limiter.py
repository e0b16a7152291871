"""A rate limiter without bursts: so many calls a second, evenly, the most urgent of them first."""

import asyncio
from heapq import heappop, heappush
from itertools import count
from math import inf

from shared.errors import FaceUnavailableError

FIRST_RANK, LAST_RANK = -inf, inf


class RateLimiter:
    """Lets calls go one after the other; what was not used is not saved up."""

    def __init__(self, per_second: float, *, max_wait_seconds: float | None = None) -> None:
        """Set the rate, and for how long anybody waits: by default for as long as it takes."""
        self._gap_seconds = 1 / per_second
        self._max_wait_seconds = max_wait_seconds
        self._next_at = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, rank: float = LAST_RANK) -> None:
        """Wait until the next call may go: the lowest rank first, of those who came first."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        heappush(self._waiting, (rank, next(self._numbers), turn))
        if self._timer is None:
            self._grant(loop.time())
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await turn
        except TimeoutError as error:
            raise FaceUnavailableError(
                "other calls to Face were more urgent", is_breaker_open=True
            ) from error

    def _grant(self, now: float) -> None:
        self._timer = None
        while self._waiting:
            if self._next_at > now:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_at(self._next_at, self._grant, self._next_at)
                return
            _, _, turn = heappop(self._waiting)
            # Whoever has given up has canceled his.
            if not turn.done():
                turn.set_result(None)
                self._next_at = now + self._gap_seconds
