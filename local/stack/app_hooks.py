"""What the stack does around the app, in its process: clock and log before, its close after."""

import logging
import os
from functools import cache
from pathlib import Path

from local.clock import StackClock
from local.stack import joining
from local.stack.app_log import open_log
from shared import composition


@cache
def join_stack() -> None:
    """Let the app read the stack's clock, the one thing of it that is replaced, and keep its log.

    Once, though two may see to it: the stack's own host, and `at_start` where PYTHONPATH has it.
    """
    composition.now = StackClock(Path(os.environ[joining.CLOCK])).now
    open_log(Path(os.environ[joining.LOG]))
    logging.captureWarnings(capture=True)


async def close_app() -> None:
    """Close what the app has opened, which the platform never does."""
    await composition.close()
