"""The table, the queues and the container that the app expects to find in its storage."""

import contextlib

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueServiceClient

TABLE = "LivenessSessions"
CONTAINER = "session-images"
QUEUES = ("liveness-completions", "liveness-completions-poison")


async def create_missing(connection_string: str) -> None:
    """Create what is not there yet."""
    async with TableServiceClient.from_connection_string(connection_string) as tables:
        await tables.create_table_if_not_exists(TABLE)
    async with ContainerClient.from_connection_string(connection_string, CONTAINER) as images:
        with contextlib.suppress(ResourceExistsError):
            await images.create_container()
    async with QueueServiceClient.from_connection_string(connection_string) as queues:
        for name in QUEUES:
            with contextlib.suppress(ResourceExistsError):
                await queues.create_queue(name)
