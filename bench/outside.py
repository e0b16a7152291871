"""Everything around an app, Azurite and the simulators, in a process that is not measured."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local.ports import Ports
from local.stack import app_settings
from local.stack.stack import Stack

ROOT = Path(__file__).parents[1]

_SETTINGS = {
    "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    # What the floor makes is a complete without events, which deletes at Face itself.
    "EVENTS_TOPIC_ENDPOINT": "",
    # Time-outs are no part of what is measured, and this machine may be busy.
    "STORE_TIMEOUT_SECONDS": "60",
    "FACE_TIMEOUT_SECONDS": "60",
    "FACE_BUDGET_SECONDS": "60",
    "KEY_TIMEOUT_SECONDS": "60",
}


@asynccontextmanager
async def run_outside() -> AsyncIterator[dict[str, str]]:
    """Run it on free ports, and give the settings that lead an app there."""
    with tempfile.TemporaryDirectory() as folder:
        ports, state = Ports.free(), Path(folder) / "state"
        command = ("-m", "local", "up", "--no-host")
        where = ("--port", str(ports.base), "--state", str(state))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *where, cwd=ROOT, stdout=PIPE, stderr=DEVNULL
        )
        try:
            if not (process.stdout and await process.stdout.readline()):
                raise RuntimeError("the local stack did not start")
            there = Stack(ports=ports, state=state).settings
            yield app_settings.load(ROOT).values | there | _SETTINGS
        finally:
            process.terminate()
            await process.wait()
