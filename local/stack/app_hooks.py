"""What the stack does around the app, in the host's process: its clock before, its close after."""

import os
from pathlib import Path

from local.clock import StackClock
from local.stack.host_process import CLOCK
from shared import composition


def turn_clock() -> None:
    """Let the app read the stack's clock: the one thing of the app that is replaced."""
    composition.now = StackClock(Path(os.environ[CLOCK])).now


async def close_app() -> None:
    """Close what the app has opened, which the platform never does."""
    await composition.close()
