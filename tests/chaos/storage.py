"""Storage, when it is silent for a while, and when it goes away and comes back."""

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from local.azure import azurite
from local.stack.stack import Stack

if TYPE_CHECKING:
    from local.process.child_process import Child


class Storage:
    """One at a time: what is silent cannot be made to stop."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        # One that somebody else has started is let alone.
        self._child: Child | None = stack._azurite
        self._turn = asyncio.Lock()
        self._restarted = contextlib.AsyncExitStack()

    async def freeze(self, seconds: float) -> None:
        """Let it be silent: what it was asked meanwhile, it does afterwards."""
        async with self._turn:
            if self._child is None:
                return
            process = self._child._process
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send_signal(signal.SIGCONT)

    async def restart(self, seconds: float) -> None:
        """Stop it in order, so that nothing acknowledged is lost, and start it after a while."""
        async with self._turn:
            if self._child is None:
                return
            process = self._child._process
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
            await asyncio.sleep(seconds)
            self._child = await self._restarted.enter_async_context(
                azurite.run(self._stack.ports, self._stack.state / "azurite")
            )

    async def aclose(self) -> None:
        """Stop what was started again."""
        await self._restarted.aclose()
