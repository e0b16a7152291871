"""A stack of a benchmark's own, the app on it in this process, and a count of what it sends."""

import asyncio
import os
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp
from azure.core.pipeline import PipelineRequest
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

from local.azure.certificate import trust_in_this_process
from local.functions_host.host import FunctionsHost
from local.ports import Ports
from local.stack import app_settings
from local.stack.stack import Stack
from shared import composition

type Json = Any

ROOT = Path(__file__).parents[1]

_SETTINGS = {
    "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    "SWEEP_FACE_CALLS_PER_SECOND": "1000",
    # No person here has too many sessions: the cap is not what is measured.
    "MAX_OPEN_SESSIONS": "100",
}


@dataclass(slots=True)
class Sent:
    """Every HTTP request that a table client has sent."""

    counts: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: PipelineRequest[HttpRequest]) -> None:
        """Count one; azure-core calls this before each try."""
        self.counts[request.http_request.method] += 1

    @property
    def total(self) -> int:
        """Return how many that were."""
        return sum(self.counts.values())


@asynccontextmanager
async def bench_stack() -> AsyncIterator[Stack]:
    """Run Azurite and the simulators on free ports, with the app's settings in this process."""
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(ports=Ports.free(), state=Path(folder)) as stack:
            trust_in_this_process(stack.trusted)
            os.environ.update(app_settings.load(ROOT).values | stack.settings | _SETTINGS)
            composition.now = stack.clock.now
            yield stack
            await composition.close()


@asynccontextmanager
async def functions_host(stack: Stack) -> AsyncIterator[str]:
    """Run the app on the local Functions host in this process, and say where its routes are."""
    host = FunctionsHost(app_directory=ROOT, settings=os.environ, port=stack.ports.host)
    await host.start()
    try:
        yield f"{host.url}/api"
    finally:
        await host.stop()


@asynccontextmanager
async def own_table(stack: Stack, sent: Sent) -> AsyncIterator[TableClient]:
    """Make a new table, whose client counts what it sends."""
    name = f"Bench{secrets.token_hex(8)}"
    storage = stack.settings["AzureWebJobsStorage"]
    async with TableClient.from_connection_string(storage, name, raw_request_hook=sent) as table:
        await table.create_table()
        yield table


async def control(stack: Stack, path: str, **options: Json) -> Json:
    """Use a control route of the simulators; without a body it is a question."""
    method = "POST" if "json" in options else "GET"
    url = f"{stack.face_url}/simulator/{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as answer:
        answer.raise_for_status()
        return await answer.json() if answer.status == HTTPStatus.OK else None


class Stopwatch:
    """Measures the wall time of a block."""

    def __enter__(self) -> Self:
        """Start."""
        self.seconds = 0.0
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.seconds = time.perf_counter() - self._began


def row(*cells: object) -> None:
    """Print one row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|")  # noqa: T201 - the answer


def heading(*names: str) -> None:
    """Print the head of a Markdown table."""
    row(*names)
    row(*("---" for _ in names))


def ratio(value: float, base: float) -> str:
    """Write a ratio."""
    return f"{value / base:.2f}" if base else "-"


def run(main: Coroutine[object, object, None]) -> None:
    """Run a benchmark to its end."""
    asyncio.run(main)
