"""The Functions hosts: processes that can be killed, or one that runs already."""

import asyncio
import contextlib
import itertools
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from local.ports import HOST, StackError
from local.stack import host_readiness, joining
from local.stack.host_process import APP, host_command, host_environment
from local.stack.stack import Stack

_GRACE_SECONDS = 15


class GivenHost:
    """Runs already, whatever it is, and dies for nobody."""

    deaths = 0
    is_ours = False
    log = ""

    def __init__(self, url: str) -> None:
        self.urls = [url]

    def next_url(self) -> str:
        """Say whom the next call goes to: there is only one."""
        return self.urls[0]

    async def kill(self, *, down_seconds: float) -> None:
        """Leave it alone: whoever has started it would have to start it again."""

    def look(self) -> None:
        """Trust that it runs: its callers will notice."""


class Hosts:
    """Run side by side on one Storage, as instances do; calls go to one after the other."""

    is_ours = True

    def __init__(self, hosts: Sequence["Host"]) -> None:
        self._hosts = hosts
        self._callees = itertools.cycle(hosts)
        self._victims = itertools.cycle(hosts)

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, *hosts: "Host") -> AsyncIterator["Hosts"]:
        """Run them until the block ends."""
        try:
            await asyncio.gather(*(host.start() for host in hosts))
            yield cls(hosts)
        finally:
            await asyncio.gather(*(host.stop() for host in hosts))

    @property
    def urls(self) -> list[str]:
        return [host.url for host in self._hosts]

    @property
    def deaths(self) -> int:
        return sum(host.deaths for host in self._hosts)

    @property
    def log(self) -> str:
        return "\n".join(host.log for host in self._hosts)

    def next_url(self) -> str:
        """Say whom the next call goes to."""
        return next(self._callees).url

    async def kill(self, *, down_seconds: float) -> None:
        """Kill the next one."""
        await next(self._victims).kill(down_seconds=down_seconds)

    def look(self) -> None:
        """Note it if one has ended though nobody killed it."""
        for host in self._hosts:
            host.look()


class Host:
    """Starts, dies and starts again on the same port; everything it logs is in one file."""

    def __init__(
        self, stack: Stack, settings: Mapping[str, str], log: Path, *, port: int, clock: Path
    ) -> None:
        self._stack = stack
        self._settings = {**host_environment(stack, settings), joining.CLOCK: str(clock)}
        self._log = log
        self._port = port
        self.url = f"http://{HOST}:{port}/api"
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self.deaths = 0
        self.own_ends: list[int] = []

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *host_command(self._stack, "--port", str(self._port), "--timer-lease", "15"),
                cwd=APP,
                env=self._settings,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        await host_readiness.wait(self._port)
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
