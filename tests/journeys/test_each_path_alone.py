"""A result that was not to be had is recorded later, by each of the two ways by itself.

The hosts here are processes of their own, on a stack of their own, with the queue's function or
the timer's turned off; nobody calls the app again once a completion has been reported.
"""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient
from azure.storage.queue.aio import QueueClient

from local.azure.certificate import trust_in_this_process
from local.ports import HOST, Ports
from local.process import child_process
from local.stack import app_settings, host_readiness
from local.stack.host_process import APP, host_command, host_environment
from local.stack.stack import Stack
from shared.store.session_store import TABLE_NAME
from tests.conftest import ROOT
from tests.support.constants import QUEUE_NAME, STALE_SECONDS
from tests.support.fault_proxy import Door, Fault, FaultProxy
from tests.support.rows import flaws_in
from tests.support.world import Check, World, eventually

NO_QUEUE = {"AzureWebJobs.record_result.Disabled": "true"}
NO_TIMER = {"AzureWebJobs.sweep_stale_sessions.Disabled": "true"}
EVERY_SECOND = {"SWEEP_SCHEDULE": "* * * * * *"}
_FOR_TESTS = {
    "FACE_BUDGET_SECONDS": "1",
    "SWEEP_FACE_CALLS_PER_SECOND": "1000",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}
PROCESSING = (202, "processing")
UNAVAILABLE = (503, "StoreUnavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A stack of these tests' own, with a door before its table that can be shut."""

    stack: Stack
    door: FaultProxy

    @contextlib.asynccontextmanager
    async def host(self, **settings: str) -> AsyncIterator[World]:
        """Run the app in a process of its own until the block ends."""
        port = self.stack.ports.host
        environment = {
            **os.environ,
            **app_settings.load(ROOT).values,
            **self.stack.settings,
            **_FOR_TESTS,
            **EVERY_SECOND,
            "AzureWebJobsStorage": self._through_the_door,
            # A name of its own: a host that had to be killed keeps its timers from the next one.
            "AzureFunctionsWebHost__hostid": secrets.token_hex(8),
            **settings,
        }
        storage = self.stack.settings["AzureWebJobsStorage"]
        async with (
            child_process.run(
                "the host",
                host_command(self.stack),
                folder=APP,
                environment=host_environment(self.stack, environment),
                is_quiet=True,
            ),
            aiohttp.ClientSession() as http,
            TableClient.from_connection_string(storage, TABLE_NAME) as table,
            QueueClient.from_connection_string(storage, QUEUE_NAME) as queue,
        ):
            await host_readiness.wait(port)
            url = f"http://{HOST}:{port}/api"
            yield World(stack=self.stack, url=url, http=http, table=table, queue=queue)

    @property
    def _through_the_door(self) -> str:
        storage = self.stack.settings["AzureWebJobsStorage"]
        return storage.replace(f":{self.stack.ports.table}/", f":{self.door.port}/")


@pytest_asyncio.fixture(scope="module")
async def apart(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Apart]:
    stack = Stack(ports=Ports.free(), state=tmp_path_factory.mktemp("apart"))
    async with stack:
        trust_in_this_process(stack.trusted)
        door = Door(port=stack.ports.table)
        port = Ports.free().base
        async with FaultProxy.before(door, port, not_found="ResourceNotFound") as proxy:
            yield Apart(stack=stack, door=proxy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What keeps a result from being recorded when its completion is reported."""

    at_face: dict[str, object] | None = None
    at_table: Fault | None = None
    answer: tuple[int, str] = PROCESSING


TROUBLES = {
    "Face still runs": Trouble(),
    "Face throttles": Trouble(at_face={"status": 429, "retryAfterSeconds": 7}),
    "Face is down": Trouble(at_face={"status": 503}),
    "Face answers nonsense": Trouble(at_face={"kind": "garbage"}),
    "Face refuses us": Trouble(at_face={"status": 403}),
    "the table refuses": Trouble(at_table=Fault.BUSY, answer=UNAVAILABLE),
    "the table's answer is lost": Trouble(
        at_face={"status": 403}, at_table=Fault.LOST, answer=UNAVAILABLE
    ),
}
# What could not be recorded leaves no message: a result must not be judged without its digest.
ONES_WITH_A_MESSAGE = {name: one for name, one in TROUBLES.items() if one.answer == PROCESSING}


async def test_the_queue_alone_records_what_was_not_to_be_had(apart: Apart) -> None:
    async with apart.host(**NO_TIMER) as world:
        checks = await _reported_in_trouble(apart, world, ONES_WITH_A_MESSAGE)

        await eventually(lambda: _endings(world, checks), _all_passed(checks))

        await eventually(world.messages, 0)
        assert await world.poison() == 0
        assert flaws_in(await world.rows()) == []


async def test_the_timer_alone_records_what_was_not_to_be_had(apart: Apart) -> None:
    async with apart.host(**NO_QUEUE) as world:
        checks = await _reported_in_trouble(apart, world)
        undelivered = await world.messages()

        await world.wait(STALE_SECONDS)
        await eventually(lambda: _endings(world, checks), _all_passed(checks))

        assert undelivered == await world.messages() == len(ONES_WITH_A_MESSAGE)
        assert flaws_in(await world.rows()) == []
        await world.queue.clear_messages()


async def test_the_timer_alone_records_what_only_a_lost_message_knew(apart: Apart) -> None:
    async with apart.host(**NO_QUEUE) as world:
        check = await world.start()
        await world.play(check, "running")
        await world.complete(check)
        await world.queue.clear_messages()
        await world.play(check, "spoofface")

        await world.wait(61)
        await eventually(lambda: _endings(world, {"lost": check}), {"lost": "rejected"})

        assert await world.messages() == 0


async def test_nothing_is_lost_while_both_are_stopped_and_then_come_back(apart: Apart) -> None:
    async with apart.host(**NO_QUEUE, **NO_TIMER) as world:
        checks = await _reported_in_trouble(apart, world)
        await world.wait(8 * 3600)
        overnight = await _endings(world, checks)
    async with apart.host() as world:
        await eventually(lambda: _endings(world, checks), _all_passed(checks))

        await eventually(world.messages, 0)
        assert set(overnight.values()) == {None}
        assert flaws_in(await world.rows()) == []


async def _reported_in_trouble(
    apart: Apart, world: World, troubles: Mapping[str, Trouble] = TROUBLES
) -> dict[str, Check]:
    """Report one completion in each trouble, end the trouble; the device has finished by then."""
    checks = {}
    for name, trouble in troubles.items():
        checks[name] = check = await world.start()
        runs = trouble == Trouble()
        await world.play(check, "running" if runs else "realface")
        if trouble.at_face:
            await world.fail("get", times=1000, **trouble.at_face)
        if trouble.at_table:
            apart.door.fail("POST", trouble.at_table)
        answer = await world.complete(check)
        await world.clear_faults()
        await apart.door.clear_faults()
        said = answer.code if answer.status >= 400 else answer.body["status"]
        assert (answer.status, said) == trouble.answer, name
        if runs:
            await world.play(check, "realface")
    return checks


async def _endings(world: World, checks: dict[str, Check]) -> dict[str, str | None]:
    """Look at the records as nobody's caller: by the table itself."""
    return {name: (await world.row(check)).get("outcome") for name, check in checks.items()}


def _all_passed(checks: dict[str, Check]) -> dict[str, str | None]:
    return dict.fromkeys(checks, "passed")
