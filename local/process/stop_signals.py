"""Ctrl-C and SIGTERM, heard from the first line to the last, so that nothing is left running."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from types import FrameType


def leave_at_once() -> None:
    """Leave quietly if told to before anything runs: call this before the slow imports."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        _hear(signal.SIG_IGN)
        sys.exit(0)

    _hear(leave)


def run(main: Coroutine[object, object, int], *, when_stopped: int) -> int:
    """Run until done or told to stop; then let it clean up, undisturbed by further signals."""

    async def run_until_stopped() -> int:
        loop = asyncio.get_running_loop()
        task = loop.create_task(main)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            _hear(_ignore)
            loop.call_soon_threadsafe(task.cancel)

        # Not loop.add_signal_handler: it is undone when the loop closes, and then a second
        # signal would kill what is just about to end well.
        _hear(stop)
        try:
            return await task
        except asyncio.CancelledError:
            return when_stopped
        finally:
            # The one handler that an ending interpreter leaves in place.
            _hear(signal.SIG_IGN)

    return asyncio.run(run_until_stopped())


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """Hear no more, but not by SIG_IGN: a child started at this very moment would inherit it."""


def _hear(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, handler)
