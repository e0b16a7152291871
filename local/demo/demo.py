"""`python -m local demo`: starts the stack on free ports, tells the story, stops everything."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from local.demo import story
from local.demo.narrator import StoryError, Storyteller
from local.ports import HOST, Ports, StackError
from local.stack import app_settings
from local.stack.host_process import APP
from local.stack.stack import Stack

_MAX_START_SECONDS = 90
_MAX_STOP_SECONDS = 20


async def play() -> int:
    """Return 0 if every step of the story ended as it should."""
    began = time.monotonic()
    _say("Face Liveness Functions: the whole story, on this machine, with no Azure account.")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.txt")
        try:
            chapters = await _play(Path(folder, "state"), log)
        except (StoryError, StackError, aiohttp.ClientError, TimeoutError) as error:
            _say(f"\nThe story went wrong: {error or type(error).__name__}\n")
            _say(f"What the stack said last:\n{_last_lines(log)}")
            return 1
    seconds = time.monotonic() - began
    _say(f"\nAll {chapters} chapters ended as they should, in {seconds:.0f} seconds.")
    _say("Next: `make run` keeps the stack up for your own frontend; see README.md.")
    return 0


async def _play(state: Path, log: Path) -> int:
    ports = Ports.free()
    async with _running(ports, state, log), aiohttp.ClientSession() as http:
        teller = Storyteller(
            http=http,
            app_url=f"http://{HOST}:{ports.host}/api",
            face_url=f"http://{HOST}:{ports.face}",
        )
        await story.tell(teller)
        return teller.chapters


@asynccontextmanager
async def _running(ports: Ports, state: Path, log: Path) -> AsyncIterator[None]:
    _say("Starting Azurite, Face, a Key Vault, a managed identity and the Functions host ...")
    with log.open("wb") as errors:
        up = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local", "up"),
            *("--port", str(ports.base), "--state", str(state)),
            cwd=APP,
            env=_environment(ports, state),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            await _ready(up)
            yield
        finally:
            await _stop(up)


async def _ready(up: asyncio.subprocess.Process) -> None:
    if up.stdout is None:
        raise StoryError("the stack has no output")
    async with asyncio.timeout(_MAX_START_SECONDS):
        line = await up.stdout.readline()
    if not line.startswith(b"ready "):
        raise StoryError("the stack did not start")


async def _stop(up: asyncio.subprocess.Process) -> None:
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
    # So that nobody has to watch the app being patient with a Face that is away.
    return {**rest, "FACE_BUDGET_SECONDS": "1"}


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
