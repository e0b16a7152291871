import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import ContainerClient

from local.azure import azurite
from local.ports import Ports
from tests.contracts.functions_host.sample_host import (
    ANSWERS_APP,
    HostProcess,
    Sample,
    running_host,
    write_app,
)

ORIGINS = {
    "plain": "",
    "one-origin": "https://ok.example",
    "two-origins": "https://ok.example,https://second.example",
}
_LAST_RUN = "2020-01-01T00:00:00+00:00"
_MISSED_RUN = "2021-01-01T00:00:00+00:00"


@pytest.fixture(scope="session")
async def storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    ports = Ports.free()
    async with azurite.run(ports, tmp_path_factory.mktemp("azurite")):
        yield azurite.connection_string(ports)


@pytest.fixture(scope="session")
def settings(storage: str) -> dict[str, str]:
    return {
        "AzureWebJobsStorage": storage,
        "WORK_QUEUE": "work",
        "EVERY_SECOND": "* * * * * *",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=none",
    }


@pytest.fixture(scope="session")
def sample_settings(settings: dict[str, str]) -> dict[str, str]:
    """Name the host; any other is named after its folder, since a killed one leaves its lock."""
    return settings | {"AzureFunctionsWebHost__hostid": "sample"}


@pytest.fixture(scope="session")
async def sample(
    storage: str, sample_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sample]:
    await _store_a_missed_run(storage)
    app = write_app(tmp_path_factory.mktemp("sample") / "app")
    async with running_host(app, sample_settings, "--cors", "https://good.example") as host:
        reading = asyncio.create_task(_read_on(host.process.stderr, host.lines))
        async with aiohttp.ClientSession(host.url) as http:
            yield Sample(host=host, http=http, storage=storage)
        reading.cancel()


@pytest.fixture(scope="session")
async def answering(
    storage: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[str, HostProcess]]:
    """Run the recorded app once in each of the record's settings."""
    folder = tmp_path_factory.mktemp("answering")
    keys = ("--function-key", "keyed=keyed-Key", "--function-key", "other=other-Key")
    settings = {"AzureWebJobsStorage": storage, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "100000"}
    async with contextlib.AsyncExitStack() as hosts:
        yield {
            setting: await hosts.enter_async_context(
                running_host(
                    write_app(folder / setting, ANSWERS_APP.read_text()),
                    settings | {"AzureFunctionsWebHost__hostid": setting},
                    *(*keys, "--cors", origins),
                )
            )
            for setting, origins in ORIGINS.items()
        }


async def _read_on(stderr: asyncio.StreamReader | None, lines: list[str]) -> None:
    assert stderr is not None
    async for line in stderr:
        lines.append(line.decode().rstrip())  # noqa: PERF401 - they are looked at while they come


async def _store_a_missed_run(connection: str) -> None:
    status = {"Last": _LAST_RUN, "Next": _MISSED_RUN, "LastUpdated": _LAST_RUN}
    async with ContainerClient.from_connection_string(
        connection, "azure-webjobs-hosts"
    ) as container:
        with contextlib.suppress(ResourceExistsError):
            await container.create_container()
        path = "timers/sample/Host.Functions.yearly/status"
        await container.upload_blob(path, json.dumps(status), overwrite=True)
