"""A rate limiter without bursts: so many calls a second, evenly, for whoever waits for one."""

import asyncio


class RateLimiter:
    """Lets calls go one after the other; what was not used is not saved up."""

    def __init__(self, per_second: float) -> None:
        """Set the rate."""
        self._gap_seconds = 1 / per_second
        self._next_at = 0.0

    async def acquire(self) -> None:
        """Wait until the next call may go."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next_at)
        self._next_at = at + self._gap_seconds
        await asyncio.sleep(at - now)
