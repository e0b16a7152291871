"""Single flight: what many want at once is done once, and all of them share how it ends."""

import asyncio
from collections.abc import Callable, Coroutine


class SingleFlight[T]:
    """Does its work again only when it is not already under way."""

    def __init__(self, work: Callable[[], Coroutine[object, object, T]]) -> None:
        """Take the work; nothing is done yet."""
        self._work = work
        self._task: asyncio.Task[T] | None = None

    async def join(self) -> T:
        """Wait for the end of the work; who gives up waiting takes nothing from the others."""
        return await asyncio.shield(self.start())

    def start(self) -> asyncio.Task[T]:
        """See to it that the work is under way, without waiting."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(_look_at_failure)
        return self._task

    async def close(self) -> None:
        """Break the work off, if it is under way, and wait for its end."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


def _look_at_failure(task: asyncio.Task[object]) -> None:
    # Whoever waited may be gone; asyncio complains about a failure that nobody looked at.
    if not task.cancelled():
        task.exception()
