"""Storage queues: one client for each, and messages that create their queue on demand."""

from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

# Short waits: the listeners and the caller try again by themselves.
RETRY_OPTIONS: dict[str, Any] = {  # Any: they go to a **kwargs of the SDK
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
}


class QueueStorage:
    """The queues that the app's bindings name."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._clients: dict[tuple[str, str], QueueClient] = {}

    def client(self, connection: str, queue: str) -> QueueClient:
        """Return the one client of a queue; message texts are passed on as they are."""
        key = (connection, queue)
        if key not in self._clients:
            self._clients[key] = QueueClient.from_connection_string(
                connection, queue, **RETRY_OPTIONS
            )
        return self._clients[key]

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()


async def send(queue: QueueClient, text: str) -> None:
    """Send a message, creating the queue when there is none."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        await create_if_missing(queue)
        await queue.send_message(text)


async def create_if_missing(queue: QueueClient) -> None:
    """Create a queue; another may have been faster."""
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return
