"""What the stack does around the app, in the host's process: clock and log before, close after."""

import os
from pathlib import Path

from local.clock import StackClock
from local.stack.host_process import CLOCK, LOG
from local.web import host_log
from shared import composition


def prepare_app() -> None:
    """Give the app the stack's clock, and let the page's server read what is logged."""
    turn_clock()
    host_log.keep(Path(os.environ[LOG]))


def turn_clock() -> None:
    """Let the app read the stack's clock: the one thing of the app that is replaced."""
    composition.now = StackClock(Path(os.environ[CLOCK])).now


async def close_app() -> None:
    """Close what the app has opened, which the platform never does."""
    await composition.close()
