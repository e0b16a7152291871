"""How long to wait before an empty queue is asked again. No I/O here."""

import random
from collections.abc import Callable
from datetime import timedelta

_SHORTEST = timedelta(milliseconds=100)
_SPREAD = 0.2


class PollingBackoff:
    """Random and exponential, from 100 ms up to the longest interval."""

    def __init__(
        self, longest: timedelta, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        """Take the longest wait and the dice."""
        self._longest = longest
        self._uniform = uniform
        self._misses = 0

    def next_wait(self, *, found: bool) -> timedelta:
        """Start over after a find; otherwise about double the last wait."""
        if found:
            self._misses = 0
            return _SHORTEST
        spread = self._uniform(1 - _SPREAD, 1 + _SPREAD)
        wait: timedelta = _SHORTEST * (1 + spread * 2**self._misses)
        if wait >= self._longest:
            return self._longest
        self._misses += 1
        return wait
