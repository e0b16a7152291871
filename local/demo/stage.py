"""The stack that the story is told on: a whole `up` on free ports, with a state of its own."""

import asyncio
import os
import re
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from local.demo.narrator import Narrator, StoryError
from local.demo.terminal import Terminal
from local.ports import HOST, Ports
from local.stack import app_settings
from local.stack.host_process import APP
from local.stack.stack import Stack

_MAX_START_SECONDS = 90
_MAX_STOP_SECONDS = 20
_PART = re.compile(r"^up: (.+) answers$", re.MULTILINE)


@asynccontextmanager
async def open_stage(terminal: Terminal) -> AsyncIterator[Narrator]:
    """Run the stack until the block ends; if that fails, show what the stack said last."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.txt")
        try:
            async with _run_stack(Path(folder, "state"), log, terminal) as narrator:
                yield narrator
        except Exception:
            terminal.write(f"\nWhat the stack said last:\n{_last_lines(log)}\n")
            raise


@asynccontextmanager
async def _run_stack(state: Path, log: Path, terminal: Terminal) -> AsyncIterator[Narrator]:
    ports = Ports.free()
    with log.open("wb") as errors:
        up = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local", "up"),
            *("--port", str(ports.base), "--state", str(state)),
            cwd=APP,
            env=_environment(ports, state),
            stdout=PIPE,
            stderr=errors,
        )
    try:
        await _show_start(up, log, terminal)
        async with aiohttp.ClientSession() as http:
            yield Narrator(
                terminal=terminal,
                http=http,
                app_url=f"http://{HOST}:{ports.host}/api",
                face_url=f"http://{HOST}:{ports.face}",
            )
    finally:
        await _stop(up)


async def _show_start(up: Process, log: Path, terminal: Terminal) -> None:
    """Show each part as it answers, until all do."""
    if up.stdout is None:
        raise StoryError("the stack has no output")
    began = time.monotonic()
    terminal.write("Starting:")
    shown = 0
    line = asyncio.ensure_future(up.stdout.readline())
    async with asyncio.timeout(_MAX_START_SECONDS):
        while True:
            await asyncio.wait([line], timeout=0.1)
            parts = _parts_that_answer(log)
            terminal.write("".join(f" {part} ✓" for part in parts[shown:]))
            shown = len(parts)
            if line.done():
                break
    if not line.result().startswith(b"ready "):
        raise StoryError("the stack did not start")
    await terminal.show(f" {time.monotonic() - began:.0f} s")


def _parts_that_answer(log: Path) -> list[str]:
    return _PART.findall(log.read_text(errors="replace"))


async def _stop(up: Process) -> None:
    if up.returncode is None:
        up.terminate()
    try:
        await asyncio.wait_for(up.wait(), _MAX_STOP_SECONDS)
    except TimeoutError:
        up.kill()
        await up.wait()


def _environment(ports: Ports, state: Path) -> dict[str, str]:
    # Settings that the caller has exported for a real Azure must not lead the demo there.
    ours = app_settings.load(APP).values | Stack(ports=ports, state=state).settings
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    return {
        **rest,
        # So that nobody has to watch the app being patient with a Face that is away.
        "FACE_BUDGET_SECONDS": "1",
        "SESSION_IMAGE": "allow",
        # The story itself runs the sweep, so that what the sweep asks is told where it belongs.
        "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    }


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])
