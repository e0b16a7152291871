"""Tries a create again where Face has provably done nothing: at most twice, within one budget.

https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific
"""

from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exception,
    wait_random_exponential,
)

from shared.errors import FaceUnavailableError

_MAX_TRIES = 3
_FIRST_JITTER_SECONDS = 0.25
# A try that begins with less time than this left would only be one more load.
_MIN_TRY_SECONDS = 0.25

type Sleep = Callable[[float], Awaitable[None]]


async def run[T](call: Callable[[], Awaitable[T]], *, budget_seconds: float, sleep: Sleep) -> T:
    """Make the call until it works, a repeat is no use, or the next wait would not fit."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_retryable),
        stop=stop_after_attempt(_MAX_TRIES) | stop_before_delay(budget_seconds - _MIN_TRY_SECONDS),
        # What Face asks for has jitter on top: those whom it turned away never come back in step.
        wait=wait_exception(_asked_wait) + wait_random_exponential(_FIRST_JITTER_SECONDS),
        sleep=sleep,
        reraise=True,
    )
    answer: T = await retrying(call)
    return answer


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, FaceUnavailableError) and error.is_retryable


def _asked_wait(error: BaseException) -> float:
    return getattr(error, "retry_after_seconds", None) or 0.0
