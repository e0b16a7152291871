"""How the stack runs the Functions host with this app, in a process of its own."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.stack.stack import Stack

APP = Path(__file__).parents[2]
_HOOKS = "local.stack.app_hooks"  # by name: importing them would bring the whole app along


def host_command(stack: Stack, *options: str) -> Sequence[str]:
    """Give the words that start it, in the app's folder."""
    return [
        *(sys.executable, "-m", "local.functions_host", "--stop-with-stdin"),
        *("--app", str(APP), "--port", str(stack.ports.host)),
        *("--on-start", f"{_HOOKS}:join_stack_as_host"),
        *options,
    ]


def host_environment(stack: Stack, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Add to the app's settings what its hook needs."""
    return {**settings, **stack.joining}
