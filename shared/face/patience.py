"""How long to go on with a call that failed: back-off with full jitter, within one budget.

https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.errors import FaceUnavailableError

_FIRST_WAIT_SECONDS = 0.25
_MAX_WAIT_SECONDS = 4.0
# A call that begins with less time than this left would only be one more load.
_MIN_CALL_SECONDS = 0.25

type Call[T] = Callable[[float], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A budget for one operation, however many calls that makes."""

    budget_seconds: float
    jitter: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run[T](self, call: Call[T]) -> T:
        """Call until it works, is no use, or the budget is spent; a call is told what is left."""
        clock = asyncio.get_running_loop().time
        end = clock() + self.budget_seconds
        max_wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                return await call(end - clock())
            except FaceUnavailableError as error:
                wait = error.retry_after_seconds or self.jitter() * max_wait
                if not error.is_retryable or clock() + wait + _MIN_CALL_SECONDS > end:
                    raise
            await self.sleep(wait)
            max_wait = min(2 * max_wait, _MAX_WAIT_SECONDS)
