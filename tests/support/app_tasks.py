"""What runs in the background of the app."""

import asyncio
from typing import Any


def tasks_of_the_app() -> set[asyncio.Task[Any]]:
    """Find it, whoever else is on this loop: another test's host runs on."""
    return {task for task in asyncio.all_tasks() if "/shared/" in _file_of(task)}


def _file_of(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return code.co_filename if code else ""
