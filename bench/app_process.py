"""One app in a process of its own, told what to do and asked what it took."""

import asyncio
import json
import os
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient

from bench.outside import ROOT

APPS = {
    "app": ROOT,
    **{name: ROOT / "bench/apps" / name for name in ("floor", "recorder", "tutorial")},
}
_TABLES = ("BenchFloor", "BenchRecorder")


@dataclass(slots=True)
class Taken:
    """What a step took: CPU seconds of a call, round by round, and how long each call was."""

    cpu: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    @property
    def median_cpu(self) -> float:
        """Return the CPU seconds of one call, in the round in the middle."""
        return statistics.median(self.cpu)


@dataclass(frozen=True, slots=True)
class AppProcess:
    """An indexed app that waits for orders."""

    process: Process

    async def order(self, step: str, times: int, at_once: int, taken: Taken | None = None) -> None:
        """Have a step done so often, so many at once."""
        found = await self._ask(f"{step} {times} {at_once}")
        if taken is not None:
            taken.cpu.append(found["cpu"])
            taken.latencies += found["latencies"]

    async def trace(self, step: str) -> int:
        """Have a step done once, and return how many bytes Python held at most for it."""
        found = await self._ask(f"{step.replace('=', '-traced=')} 1 1")
        return int(found["peak"])

    async def _ask(self, order: str) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the app has no pipes")
        self.process.stdin.write(f"{order}\n".encode())
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"an app ended while doing {order}; its reason is above")
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def run_apps(*names: str, settings: Mapping[str, str]) -> AsyncIterator[list[AppProcess]]:
    """Run apps side by side on the same things outside, ready and warm."""
    await create_tables(settings)
    async with AsyncExitStack() as exits:
        apps = [await exits.enter_async_context(_run_app(APPS[name], settings)) for name in names]
        for app in apps:
            for step in ("create", "play", "complete", "create"):
                await app.order(step, 1, 1)
        yield apps


async def create_tables(settings: Mapping[str, str]) -> None:
    """Create what the other apps write to; ours is there."""
    storage = settings["AzureWebJobsStorage"]
    async with TableServiceClient.from_connection_string(storage) as tables:
        for name in _TABLES:
            try:
                await tables.create_table(name)
            except ResourceExistsError:
                continue


@asynccontextmanager
async def _run_app(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[AppProcess]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.driver", str(folder)),
        cwd=ROOT,
        env=os.environ | settings,
        stdin=PIPE,
        stdout=PIPE,
        limit=2**24,
    )
    try:
        yield AppProcess(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
