"""A child process that ends with its parent, however the parent ends."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

# For its own end (the host gives running requests half a minute), then for what SIGTERM does.
_SHUTDOWN_GRACES = (35.0, 3.0)
_STDERR = 2


class Child:
    """A running child, known by what it is for."""

    def __init__(self, name: str, process: Process) -> None:
        """Name the child."""
        self.name = name
        self._process = process

    @property
    def exit_code(self) -> int | None:
        """Return what it ended with, or None while it runs."""
        return self._process.returncode

    async def wait(self) -> str:
        """Wait until it ends by itself and say so in one sentence."""
        return f"{self.name} ended by itself, with exit code {await self._process.wait()}"


@contextlib.asynccontextmanager
async def run(  # noqa: PLR0913 - each is a choice of its own, made by keyword
    name: str,
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    is_quiet: bool = False,
    graces: tuple[float, float] = _SHUTDOWN_GRACES,
) -> AsyncIterator[Child]:
    """Run the command until the block ends: then close its stdin, which is its sign to end.

    After the first grace, in seconds, what goes on gets SIGTERM, and after the second SIGKILL.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        # Nothing is ever written: when we are gone, even by SIGKILL, the child reads the end.
        stdin=PIPE,
        stdout=DEVNULL if is_quiet else _STDERR,
        # Ctrl-C is for the parent, which stops its children in order.
        start_new_session=True,
    )
    try:
        yield Child(name, process)
    finally:
        await _stop(process, graces)


async def _stop(process: Process, graces: tuple[float, float]) -> None:
    # One sign at a time: a signal beside the end of stdin kills Azurite in the midst of its stop.
    if process.stdin is not None:
        process.stdin.close()
    for grace, make_end in zip(graces, (process.terminate, process.kill), strict=True):
        try:
            await asyncio.wait_for(process.wait(), grace)
        except TimeoutError:
            make_end()
    await process.wait()
