"""Tries a create again where Face has provably done nothing: at most twice, within one budget.

https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific
"""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    stop_after_attempt,
    stop_before_delay,
    wait_exception,
    wait_random_exponential,
)

from shared.errors import FaceUnavailableError
from shared.face.breaker import Breaker

_MAX_TRIES = 3
_FIRST_JITTER_SECONDS = 0.25
# A try that begins with less time than this left would only be one more load.
MIN_TRY_SECONDS = 0.25

type Sleep = Callable[[float], Awaitable[None]]


async def run[T](
    call: Callable[[], Awaitable[T]], breaker: Breaker, *, budget_seconds: float, sleep: Sleep
) -> T:
    """Make the call until it works, a repeat is no use, or the next wait would not fit."""
    retrying = AsyncRetrying(
        retry=partial(_is_retryable, breaker),
        stop=stop_after_attempt(_MAX_TRIES) | stop_before_delay(budget_seconds - MIN_TRY_SECONDS),
        # Jitter is on top of what Face asks for: those whom it turned away never return in step.
        wait=wait_exception(partial(_min_wait, breaker))
        + wait_random_exponential(_FIRST_JITTER_SECONDS),
        sleep=sleep,
        reraise=True,
    )
    answer: T = await retrying(call)
    return answer


def _is_retryable(breaker: Breaker, state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, FaceUnavailableError):
        return False
    if error.face_status == HTTPStatus.TOO_MANY_REQUESTS:
        # Whom Face has turned away waits for a turn; who finds the door shut is told so at once.
        return state.attempt_number > 1 or not error.is_breaker_open
    return error.is_retryable and breaker.is_closed


def _min_wait(breaker: Breaker, error: BaseException) -> float:
    asked = getattr(error, "retry_after_seconds", None) or 0.0
    return max(asked, breaker.remaining_seconds)
