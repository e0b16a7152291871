"""A circuit breaker: what fails for everybody is left alone for a while, then one call tries it.

https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from shared.errors import CallerError, FaceOutcomeUnknownError, KeyUnavailableError

_MAX_FAILURES = 5
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 2.0, 8.0
_THROTTLE_SECONDS, _MAX_THROTTLE_SECONDS = 1.0, 30.0
# Key, approval, endpoint: what Face refuses of one call it refuses of all. Every other 4xx is about
# that call alone, and one person's mistake must not shut the door for all.
_REFUSALS_OF_ALL = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """Why no call may go, and until when. The error itself would keep the call it came from."""

    kind: type[FaceOutcomeUnknownError]
    message: str
    face_status: int | None
    until: float


def loop_time() -> float:
    """Tell the time by which the running loop sleeps: no clock that is set can move it."""
    return asyncio.get_running_loop().time()


class Breaker:
    """Stands before the calls of one kind; an open one answers as what opened it, at once."""

    def __init__(self, clock: Callable[[], float] = loop_time) -> None:
        """Begin closed."""
        self._clock = clock
        self._opening: _Opening | None = None
        self._failures = 0
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._has_probe = False

    @property
    def is_closed(self) -> bool:
        """Tell whether calls go as if there were no breaker."""
        return self._opening is None

    @property
    def remaining_seconds(self) -> float:
        """Tell how long no call may go."""
        return 0.0 if self._opening is None else max(0.0, self._opening.until - self._clock())

    def check(self) -> None:
        """Raise what opened it, unless a call may go."""
        opening, remaining = self._opening, self.remaining_seconds
        if opening is not None and (remaining or self._has_probe):
            raise opening.kind(
                f"{opening.message}, and is left alone",
                retry_after_seconds=max(1, ceil(remaining)),
                face_status=opening.face_status,
                is_breaker_open=True,
            )

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let a call go, and learn from its end; one that is canceled teaches nothing."""
        self.check()
        is_probe = self._has_probe = not self.is_closed
        try:
            yield
        except FaceOutcomeUnknownError as error:
            self._learn(error, is_probe=is_probe)
            raise
        except CallerError:
            self._succeed(is_probe=is_probe)
            raise
        else:
            self._succeed(is_probe=is_probe)
        finally:
            if is_probe:
                self._has_probe = False

    def _learn(self, error: FaceOutcomeUnknownError, *, is_probe: bool) -> None:
        if error.is_breaker_open or isinstance(error, KeyUnavailableError):
            return  # Face was not asked.
        if error.face_status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = max(error.retry_after_seconds or 0, _THROTTLE_SECONDS)
            self._open(error, min(wait, _MAX_THROTTLE_SECONDS))
        elif _is_about_one_call(error.face_status):
            self._succeed(is_probe=is_probe)
        else:
            self._fail(error, is_probe=is_probe)

    # Once it is open, a call that began before tells nothing of now; only the probe does.

    def _succeed(self, *, is_probe: bool) -> None:
        if is_probe or self.is_closed:
            self._opening = None
            self._failures = 0
            self._pause_seconds = _FIRST_PAUSE_SECONDS

    def _fail(self, error: FaceOutcomeUnknownError, *, is_probe: bool) -> None:
        if not is_probe and not self.is_closed:
            return
        self._failures += 1
        if is_probe or self._failures >= _MAX_FAILURES:
            self._open(error, self._pause_seconds)
            # Whoever comes back sooner finds it open.
            wait = max(error.retry_after_seconds or 0, ceil(self._pause_seconds))
            error.retry_after_seconds = wait
            self._pause_seconds = min(2 * self._pause_seconds, _MAX_PAUSE_SECONDS)

    def _open(self, error: FaceOutcomeUnknownError, seconds: float) -> None:
        if seconds > self.remaining_seconds:
            self._opening = _Opening(
                kind=type(error),
                message=str(error),
                face_status=error.face_status,
                until=self._clock() + seconds,
            )


def _is_about_one_call(status: int | None) -> bool:
    client_errors = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
    return status in client_errors and status not in _REFUSALS_OF_ALL
