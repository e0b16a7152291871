"""The stack, the host, the table and the clock, for those who act on it."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueClient

from local.clock import StackClock
from local.ports import Ports, StackError
from local.stack import app_settings
from local.stack.host_process import APP
from local.stack.stack import Stack
from shared.store.images import CONTAINER_NAME
from shared.store.session_store import TABLE_NAME
from tests.chaos.history import now
from tests.chaos.host import GivenHost, Host, Hosts
from tests.chaos.skew import Skew
from tests.chaos.storage import Storage
from tests.chaos.versions import OtherVersions
from tests.chaos.watcher import Watcher
from tests.support import any_host
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
    "SESSION_IMAGE": "allow",
    # So that somebody is locked now and then.
    "MAX_FAILURES": "3",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}


@dataclass(slots=True, kw_only=True)
class System:
    """Everything that a run acts on."""

    stack: Stack
    host: Hosts | GivenHost
    storage: Storage
    lines: AppLines
    http: aiohttp.ClientSession
    watcher: Watcher
    images: ContainerClient
    versions: OtherVersions
    skew: Skew = field(default_factory=Skew)
    skips: list[tuple[datetime, float]] = field(default_factory=list)

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
        self.skew.follow(self.stack.clock)

    async def sweep(self) -> int:
        """Ask for a sweep as an operator does."""
        url = f"{self.host.urls[0].removesuffix('/api')}/admin/functions/sweep_stale_sessions"
        async with self.http.post(url, headers=MASTER_KEY, json={}) as answer:
            return answer.status

    def now(self) -> datetime:
        """Tell the time by the stack's clock."""
        return now() + timedelta(seconds=sum(seconds for _, seconds in self.skips))

    def stack_time(self, real: datetime) -> datetime:
        """Turn a time of this machine's clock into the stack's."""
        return real + timedelta(seconds=sum(by for when, by in self.skips if when <= real))

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

    async def pictures(self) -> dict[str, bytes]:
        """Read every picture that is kept, past the app."""
        names = [name async for name in self.images.list_blob_names()]
        return {name: await (await self.images.download_blob(name)).readall() for name in names}

    async def poisoned(self) -> list[str]:
        """Read the messages that were set aside for good."""
        storage = self.stack.settings["AzureWebJobsStorage"]
        async with QueueClient.from_connection_string(storage, f"{QUEUE_NAME}-poison") as queue:
            try:
                return [str(message.content) for message in await queue.peek_messages(32)]
            except ResourceNotFoundError:
                return []


@contextlib.asynccontextmanager
async def set_up(folder: Path, skew_seconds: float) -> AsyncIterator[System]:
    """Start everything and stop it again, or use what is given, which nobody may have used.

    Of two hosts the second one's clock is ahead by these seconds, or behind.
    """
    if given := any_host.given():
        await given.wait()
        only = GivenHost(f"{given.url}/api")
        async with _around(given.stack, only, Storage(given.stack), Skew()) as system:
            if await system.watcher.look():
                raise StackError("the table is not empty: chaos needs a state folder of its own")
            yield system
        return
    async with Stack(ports=Ports.free(), state=folder / "state") as stack:
        skewed = StackClock(folder / "skewed-clock.json")
        skew = Skew(seconds=skew_seconds, clock=skewed)
        skew.follow(stack.clock)
        settings = _environment(stack)
        ports = (stack.ports.host, Ports.free().host)
        clocks = (stack.clock.path, skewed.path)
        hosts = (
            Host(stack, settings, folder / f"host-{port}.log", port=port, clock=clock)
            for port, clock in zip(ports, clocks, strict=True)
        )
        async with (
            contextlib.aclosing(Storage(stack)) as storage,
            Hosts.running(*hosts) as host,
            _around(stack, host, storage, skew) as system,
        ):
            yield system


@contextlib.asynccontextmanager
async def _around(
    stack: Stack, host: Hosts | GivenHost, storage: Storage, skew: Skew
) -> AsyncIterator[System]:
    azure = stack.settings["AzureWebJobsStorage"]
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        TableClient.from_connection_string(azure, TABLE_NAME) as table,
        ContainerClient.from_connection_string(azure, CONTAINER_NAME) as images,
    ):
        yield System(
            stack=stack,
            host=host,
            storage=storage,
            lines=AppLines(stack.log),
            http=http,
            watcher=Watcher(table),
            images=images,
            versions=OtherVersions(table),
            skew=skew,
        )


def _environment(stack: Stack) -> dict[str, str]:
    # Settings that the caller has exported for a real Azure must not lead the run there.
    file = app_settings.load(APP)
    ours = file.values | stack.settings | IMPATIENT
    caller = {name: value for name, value in os.environ.items() if name not in ours}
    return app_settings.merge(file, stack.settings | IMPATIENT, caller)
