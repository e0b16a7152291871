"""The stack, the host, the table and the clock, for those who act on it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient
from azure.storage.queue.aio import QueueClient

from local.ports import HOST, Ports, StackError
from local.stack import app_settings
from local.stack.host_process import APP
from local.stack.stack import Stack
from shared.store.session_store import TABLE_NAME
from tests.chaos.history import now
from tests.chaos.host import GivenHost, Host
from tests.chaos.watcher import Watcher
from tests.support import any_host
from tests.support.any_host import AnyHost
from tests.support.app_lines import AppLines
from tests.support.constants import MASTER_KEY, QUEUE_NAME

# Short time-outs and quick repeats: hours of patience have to fit into two minutes.
IMPATIENT = {
    "FACE_TIMEOUT_SECONDS": "1.5",
    "FACE_BUDGET_SECONDS": "3",
    "KEY_TIMEOUT_SECONDS": "1.5",
    "STORE_TIMEOUT_SECONDS": "1.2",
    "SWEEP_FACE_CALLS_PER_SECOND": "60",
    "SWEEP_SCHEDULE": "*/5 * * * * *",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}


@dataclass(slots=True, kw_only=True)
class System:
    """Everything that a run acts on."""

    stack: Stack
    host: Host | GivenHost
    lines: AppLines
    http: aiohttp.ClientSession
    watcher: Watcher
    url: str
    skips: list[tuple[datetime, float]] = field(default_factory=list)
    _freezing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def control(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Use a control of the simulators."""
        headers = {"Authorization": f"Bearer {token}"} if token else None
        url = f"{self.stack.face_url}/simulator/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.status == 200 else None

    async def clear_faults(self) -> None:
        """End all faults."""
        await self.control("DELETE", "faults")

    async def skip(self, seconds: float) -> None:
        """Move the stack's clock on, and remember a moment just before that."""
        self.skips.append((now(), seconds))
        await self.control("POST", "clock", {"advanceSeconds": seconds})

    async def freeze(self, seconds: float) -> None:
        """Let Storage be silent for a while: what it was asked meanwhile, it does afterwards."""
        process = self.stack._azurite._process if self.stack._azurite else None
        if process is None:
            return
        async with self._freezing:
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send_signal(signal.SIGCONT)

    async def sweep(self) -> int:
        """Ask for a sweep as an operator does."""
        url = f"{self.url.removesuffix('/api')}/admin/functions/sweep_stale_sessions"
        async with self.http.post(url, headers=MASTER_KEY, json={}) as answer:
            return answer.status

    def now(self) -> datetime:
        """Tell the time by the stack's clock."""
        return now() + timedelta(seconds=sum(seconds for _, seconds in self.skips))

    def real(self, stack_time: datetime) -> datetime:
        """Turn a time of the stack's clock into this machine's; of a skipped one, the skip's."""
        passed = 0.0
        for when, seconds in self.skips:
            if stack_time - timedelta(seconds=passed) < when:
                break
            passed += seconds
            if stack_time - timedelta(seconds=passed) < when:
                return when
        return stack_time - timedelta(seconds=passed)

    async def poisoned(self) -> list[str]:
        """Read the messages that were set aside for good."""
        storage = self.stack.settings["AzureWebJobsStorage"]
        async with QueueClient.from_connection_string(storage, f"{QUEUE_NAME}-poison") as queue:
            try:
                return [str(message.content) for message in await queue.peek_messages(32)]
            except ResourceNotFoundError:
                return []


@contextlib.asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[System]:
    """Start everything and stop it again, or use what is given, which nobody may have used."""
    if given := any_host.given():
        await given.wait()
        async with _around(given, GivenHost()) as system:
            if await system.watcher.look():
                raise StackError("the table is not empty: chaos needs a state folder of its own")
            yield system
        return
    async with Stack(ports=Ports.free(), state=folder / "state") as stack:
        url = f"http://{HOST}:{stack.ports.host}"
        async with (
            Host.running(stack, _environment(stack), folder / "host.log") as host,
            _around(AnyHost(url=url, stack=stack), host) as system,
        ):
            yield system


@contextlib.asynccontextmanager
async def _around(on: AnyHost, host: Host | GivenHost) -> AsyncIterator[System]:
    storage = on.stack.settings["AzureWebJobsStorage"]
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        TableClient.from_connection_string(storage, TABLE_NAME) as table,
    ):
        yield System(
            stack=on.stack,
            host=host,
            lines=AppLines(on.stack.log),
            http=http,
            watcher=Watcher(table),
            url=f"{on.url}/api",
        )


def _environment(stack: Stack) -> dict[str, str]:
    # Settings that the caller has exported for a real Azure must not lead the run there.
    file = app_settings.load(APP)
    ours = file.values | stack.settings | IMPATIENT
    caller = {name: value for name, value in os.environ.items() if name not in ours}
    return app_settings.merge(file, stack.settings | IMPATIENT, caller)
