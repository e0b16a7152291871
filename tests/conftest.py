"""The fixtures of the journeys: a whole stack, once, and the app on it, seen through HTTP."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from local.azure.certificate import trust_in_this_process
from local.functions_host.host import FunctionsHost
from local.ports import Ports
from local.stack import app_settings
from local.stack.stack import Stack
from shared import composition
from tests.support.world import World

type Configure = Callable[..., Awaitable[None]]

ROOT = Path(__file__).parents[1]

# No sweep unless a test asks for one, and a queue that repeats within the patience of a test.
_FOR_TESTS = {
    "FACE_BUDGET_SECONDS": "1",
    "SWEEP_FACE_CALLS_PER_SECOND": "1000",
    "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:00.5",
}


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Start Azurite and the simulators, once for all tests."""
    state = tmp_path_factory.mktemp("state")
    async with Stack(ports=Ports.free(), state=state) as running:
        trust_in_this_process(running.trusted)
        yield running


@pytest_asyncio.fixture(scope="session")
async def host(stack: Stack) -> AsyncIterator[FunctionsHost]:
    """Run the app on the local Functions host in this process, so that its coverage is seen."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **app_settings.load(ROOT).values,
            **stack.settings,
            **_FOR_TESTS,
        }.items():
            patch.setenv(name, value)
        patch.setattr(composition, "now", stack.clock.now)
        running = FunctionsHost(
            app_directory=ROOT,
            settings=os.environ,
            port=stack.ports.host,
            cors=["https://app.example"],
        )
        await running.start()
        yield running
        await running.stop()
        await composition.close()


@pytest_asyncio.fixture
async def world(stack: Stack, host: FunctionsHost) -> AsyncIterator[World]:
    """Give a test the whole world, without faults and messages that another test has left."""
    async with World.around(stack, host) as around:
        yield around
        await around.clear_faults()
        await around.queue.clear_messages()
        if around.has_failed_calls:
            # Built anew, the app leaves nothing alone for what has failed here.
            await composition.close()


@pytest_asyncio.fixture
async def configure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Configure]:
    """Let a test change settings: the app is built anew with them, and once more afterwards."""

    async def with_settings(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        await composition.close()

    yield with_settings
    await composition.close()
