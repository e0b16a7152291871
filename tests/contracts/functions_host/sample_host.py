"""The local Functions host in a process of its own, with the sample app or another."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from azure.storage.queue.aio import QueueClient

_ROOT = Path(__file__).parents[3]
ANSWERS_APP = Path(__file__).with_name("answers_app.py")
_SAMPLE = Path(__file__).with_name("sample_app.py")
_HOST_JSON = {
    "version": "2.0",
    "functionTimeout": "00:00:02",
    "extensions": {
        "queues": {"maxDequeueCount": 2, "maxPollingInterval": "00:00:00.500", "batchSize": 4},
        "http": {"customHeaders": {"X-Frame-Options": "DENY", "X-Extra": "from host.json"}},
    },
}

type Event = Mapping[str, object]


@dataclass(kw_only=True)
class HostProcess:
    process: asyncio.subprocess.Process
    app: Path
    url: str = ""
    lines: list[str] = field(default_factory=list)

    async def read_until(self, text: str) -> str:
        assert self.process.stderr is not None
        async with asyncio.timeout(90):
            async for line in self.process.stderr:
                self.lines.append(line.decode().rstrip())
                if text in self.lines[-1]:
                    return self.lines[-1]
        raise AssertionError("\n".join(self.lines))

    async def end(self) -> tuple[int | None, str]:
        _, rest = await self.process.communicate()
        return self.process.returncode, "\n".join([*self.lines, rest.decode()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    host: HostProcess
    http: aiohttp.ClientSession
    storage: str

    def queue(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(self.storage, name)

    async def log_since(self, start: int, text: str, times: int = 1) -> list[str]:
        """Wait until a text was logged as often since a line of the log, and give the lines."""

        async def logged() -> list[str]:
            lines = self.host.lines[start:]
            return lines if sum(text in line for line in lines) >= times else []

        return await eventually(logged)

    async def journal(self, **wanted: object) -> list[Event]:
        return await journal_of(self.host, **wanted)


async def journal_of(host: HostProcess, **wanted: object) -> list[Event]:
    async with aiohttp.ClientSession(host.url) as http, http.get("/api/a-journal") as answer:
        events: list[Event] = await answer.json()
    return [event for event in events if wanted.items() <= event.items()]


def write_app(directory: Path, source: str | None = None) -> Path:
    directory.mkdir()
    (directory / "host.json").write_text(json.dumps(_HOST_JSON))
    if source is None:
        shutil.copy(_SAMPLE, directory / "function_app.py")
    else:
        (directory / "function_app.py").write_text(source)
    return directory


@contextlib.asynccontextmanager
async def starting_host(
    app: Path, settings: Mapping[str, str], *options: str
) -> AsyncIterator[HostProcess]:
    command = (sys.executable, "-m", "local.functions_host", "--app", str(app), "--port", "0")
    process = await asyncio.create_subprocess_exec(
        *command,
        *options,
        cwd=_ROOT,
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield HostProcess(process=process, app=app)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def running_host(
    app: Path, settings: Mapping[str, str], *options: str
) -> AsyncIterator[HostProcess]:
    async with starting_host(app, settings, *options) as host:
        line = await host.read_until("listening on ")
        host.url = line.split("listening on ")[1]
        yield host


async def eventually[T](ask: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(60):
        while not (found := await ask()):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
        return found
