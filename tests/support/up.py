"""`python -m local up` in a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local.ports import Ports

# As it was before any test led this process to a stack of its own: `up` obeys its caller.
ENVIRONMENT = dict(os.environ)


@asynccontextmanager
async def start_up(
    ports: Ports, state: Path, *more: str, **environment: str
) -> AsyncIterator[Process]:
    """Start it; it ends with the block at the latest."""
    command = ("-m", "local", "up", "--port", str(ports.base), "--state", str(state), *more)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=ENVIRONMENT | environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready_line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()
