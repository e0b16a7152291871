import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from azure.storage.blob.aio import BlobServiceClient

from local.azure import azurite
from local.ports import Ports
from tests.contracts.functions_host.sample_host import Sample, an_app, running_host

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
        "AzureFunctionsWebHost__hostid": "sample",
        "WORK_QUEUE": "work",
        "EVERY_SECOND": "* * * * * *",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000",
    }


@pytest.fixture(scope="session")
async def sample(
    storage: str, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sample]:
    await _remember_a_missed_run(storage)
    app = an_app(tmp_path_factory.mktemp("sample") / "app")
    options = ("--cors", "https://good.example", "--function-key", "echo=echo-key")
    async with running_host(app, settings, *options) as host:
        reading = asyncio.create_task(_read_on(host.process.stderr, host.lines))
        async with aiohttp.ClientSession(host.url) as http:
            yield Sample(host=host, http=http, storage=storage)
        reading.cancel()


async def _read_on(stderr: asyncio.StreamReader | None, lines: list[str]) -> None:
    assert stderr is not None
    async for line in stderr:
        lines.append(line.decode().rstrip())  # noqa: PERF401 - they are looked at while they come


async def _remember_a_missed_run(connection: str) -> None:
    status = {"Last": _LAST_RUN, "Next": _MISSED_RUN, "LastUpdated": _LAST_RUN}
    async with (
        BlobServiceClient.from_connection_string(connection) as blobs,
        await blobs.create_container("azure-webjobs-hosts") as container,
    ):
        path = "timers/sample/Host.Functions.yearly/status"
        await container.upload_blob(path, json.dumps(status))
