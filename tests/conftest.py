"""The fixtures of the journeys: a whole stack, once, and the app on it, seen through HTTP."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio

from local.azure.certificate import trust_in_this_process
from local.functions_host.host import FunctionsHost
from local.ports import Ports
from local.stack import app_log, app_settings
from local.stack.stack import Stack
from shared import composition
from tests.support import any_host, environment
from tests.support.world import Host, World

type Configure = Callable[..., Awaitable[None]]

ROOT = Path(__file__).parents[1]

# A look at each module has the app load at once what it would load later: here coverage sees it,
# while a worker's begins only after `inspect` has looked at every module there.
for _name, _module in list(sys.modules.items()):
    if _name.startswith("shared."):
        vars(_module)

# A busy machine is no reason to fail.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

# No sweep unless a test asks for one, and a queue that repeats within the patience of a test.
FOR_TESTS = {
    "FACE_BUDGET_SECONDS": "30",
    # On only where a test says so: then an ending is taken on by a message.
    "EVENTS_TOPIC_ENDPOINT": "",
    "SWEEP_FACE_CALLS_PER_SECOND": "1000",
    "SWEEP_SCHEDULE": "0 0 0 1 1 *",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:00.5",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where a host is given, skip what needs one of its own; whatever configures it does."""
    if any_host.given() is None:
        return
    for item in items:
        fixtures = item.fixturenames if isinstance(item, pytest.Function) else ()
        if item.get_closest_marker("own_host") or "configure" in fixtures:
            item.add_marker(pytest.mark.skip(reason="needs a host in the test's own process"))


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Start Azurite and the simulators, once for all tests, unless they run beside a given host."""
    if given := any_host.given():
        trust_in_this_process(given.stack.trusted)
        yield given.stack
        return
    state = tmp_path_factory.mktemp("state")
    async with Stack(ports=Ports.free(), state=state) as running:
        trust_in_this_process(running.trusted)
        yield running


@pytest_asyncio.fixture(scope="session")
async def host(stack: Stack) -> AsyncIterator[Host]:
    """Run the app on the local Functions host in this process, so that its coverage is seen.

    A host that is given takes its place; then only what a test builds itself runs in this process.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **app_settings.load(ROOT).values,
            **stack.settings,
            **FOR_TESTS,
        }.items():
            patch.setenv(name, value)
        patch.setattr(composition, "now", stack.clock.now)
        if given := any_host.given():
            await given.wait()
            yield given
            return
        log = app_log.open_log(stack.log)
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
        app_log.close_log(log)


@pytest_asyncio.fixture(scope="module")
async def host_without_rows(stack: Stack, host: Host) -> Host:
    """Give a file the host without the rows of another file, whose sessions it would sweep."""
    async with World.around(stack, host) as around:
        await around.delete_rows()
    return host


@pytest_asyncio.fixture
async def world(stack: Stack, host_without_rows: Host) -> AsyncIterator[World]:
    """Give a test the whole world, without faults and messages that another test has left."""
    async with World.around(stack, host_without_rows) as around:
        yield around
        await around.clear_faults()
        await around.queue.clear_messages()
        if around.has_failed_calls:
            # Built anew, the app leaves nothing alone for what has failed here.
            await environment.build_app_anew()


@pytest_asyncio.fixture
async def configure() -> AsyncIterator[Configure]:
    """Let a test change settings: the app is built anew with them, and once more afterwards."""
    async with environment.changed() as changes:

        async def with_settings(**settings: str) -> None:
            for name, value in settings.items():
                changes.setenv(name, value)
            await environment.build_app_anew()

        yield with_settings
