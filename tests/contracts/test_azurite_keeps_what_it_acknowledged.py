import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.data.tables.aio import TableClient

from local.azure import azurite
from local.ports import Ports

WRITERS = 8
ROWS_BEFORE_THE_STOP = 300


async def write_until_refused(table: TableClient, writer: int, acknowledged: list[str]) -> None:
    try:
        while True:
            key = f"{writer}-{len(acknowledged)}"
            await table.create_entity({"PartitionKey": "p", "RowKey": key})
            acknowledged.append(key)
    except AzureError:
        pass


async def test_rows_acknowledged_until_the_stop_are_all_there_after_the_next_start(
    tmp_path: Path,
) -> None:
    ports = Ports.free()
    connection = azurite.connection_string(ports)
    acknowledged: list[str] = []

    def client() -> TableClient:
        return TableClient.from_connection_string(connection, "Rows", retry_total=0)

    async with client() as table, asyncio.TaskGroup() as writers, AsyncExitStack() as emulator:
        await emulator.enter_async_context(azurite.run(ports, tmp_path))
        await table.create_table()
        for writer in range(WRITERS):
            writers.create_task(write_until_refused(table, writer, acknowledged))
        while len(acknowledged) < ROWS_BEFORE_THE_STOP:  # noqa: ASYNC110 - eight others count it up
            await asyncio.sleep(0.01)
    async with azurite.run(ports, tmp_path), client() as table:
        kept = {entity["RowKey"] async for entity in table.list_entities()}

    assert set(acknowledged) <= kept
