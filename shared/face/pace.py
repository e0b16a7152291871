"""A number of turns per second, and no more, for whoever waits for one."""

import asyncio


class Pace:
    """Hands out turns evenly: what was not used is not saved up."""

    def __init__(self, per_second: float) -> None:
        """Set the pace."""
        self._gap_seconds = 1 / per_second
        self._next_turn = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_turn)
        self._next_turn = turn + self._gap_seconds
        await asyncio.sleep(turn - now)
