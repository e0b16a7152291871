"""The Functions host: a process that can be killed, or one that runs already."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from local.ports import StackError
from local.stack import host_readiness
from local.stack.host_process import APP, host_command, host_environment
from local.stack.stack import Stack

_GRACE_SECONDS = 15


class GivenHost:
    """Runs already, whatever it is, and dies for nobody."""

    deaths = 0
    is_ours = False
    log = ""

    async def kill(self, *, down_seconds: float) -> None:
        """Leave it alone: whoever has started it would have to start it again."""

    def look(self) -> None:
        """Trust that it runs: its callers will notice."""


class Host:
    """Starts, dies and starts again on the same port; everything it logs is in one file."""

    is_ours = True

    def __init__(self, stack: Stack, settings: Mapping[str, str], log: Path) -> None:
        self._stack = stack
        self._settings = settings
        self._log = log
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self.deaths = 0
        self.own_ends: list[int] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, stack: Stack, settings: Mapping[str, str], log: Path
    ) -> AsyncIterator["Host"]:
        """Run it until the block ends."""
        host = cls(stack, settings, log)
        try:
            await host.start()
            yield host
        finally:
            await host.stop()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *host_command(self._stack, "--timer-lease", "15"),
                cwd=APP,
                env=host_environment(self._stack, self._settings),
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        await host_readiness.wait(self._stack.ports.host)
        self.look()

    async def kill(self, *, down_seconds: float) -> None:
        """Kill it with SIGKILL and, after a while, start it again."""
        async with self._turn:
            process = self._process
            if process is None or process.returncode is not None:
                return
            process.send_signal(signal.SIGKILL)
            await process.wait()
            self.deaths += 1
            with self._log.open("a") as log:
                log.write("\n=== killed ===\n")
            await asyncio.sleep(down_seconds)
            await self.start()

    def look(self) -> None:
        """Note it if the host has ended though nobody killed it."""
        if self._process is not None and self._process.returncode is not None:
            self.own_ends.append(self._process.returncode)
            raise StackError(f"the host ended by itself with {self._process.returncode}")

    async def stop(self) -> None:
        """Ask it to stop, then make it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
