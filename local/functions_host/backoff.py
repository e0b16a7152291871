"""How long to wait before an empty queue is asked again. No I/O here."""

import random
from collections.abc import Callable
from datetime import timedelta

_MIN_WAIT = timedelta(milliseconds=100)
_SPREAD = 0.2


class PollingBackoff:
    """Random and exponential, from 100 ms up to a bound."""

    def __init__(
        self, max_wait: timedelta, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        """Take the bound and the dice."""
        self._max_wait = max_wait
        self._uniform = uniform
        self._misses = 0

    def next_wait(self, *, found: bool) -> timedelta:
        """Start over after a find; otherwise about double the last wait."""
        if found:
            self._misses = 0
            return _MIN_WAIT
        spread = self._uniform(1 - _SPREAD, 1 + _SPREAD)
        wait: timedelta = _MIN_WAIT * (1 + spread * 2**self._misses)
        if wait >= self._max_wait:
            return self._max_wait
        self._misses += 1
        return wait
