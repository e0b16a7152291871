"""What the stack does in the app's process before the app is loaded: clock and logs."""

import logging
import os
from functools import cache
from pathlib import Path

from local.clock import StackClock
from local.stack import joining
from local.stack.app_log import open_log
from local.web import host_log
from shared import composition


def join_stack_as_host() -> None:
    """Join the stack, and let the page's server read what this host logs, the app's lines too."""
    join_stack()
    host_log.keep(Path(os.environ[joining.LOG]).with_name(host_log.NAME))


@cache
def join_stack() -> None:
    """Let the app read the stack's clock, the one thing of it that is replaced, and keep its log.

    Once, though two may see to it: the stack's own host, and `at_start` where PYTHONPATH has it.
    """
    composition.now = StackClock(Path(os.environ[joining.CLOCK])).now
    open_log(Path(os.environ[joining.LOG]))
    logging.captureWarnings(capture=True)
