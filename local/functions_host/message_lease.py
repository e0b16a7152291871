"""One received message: kept invisible while its function runs, then settled."""

import asyncio
import logging
from datetime import timedelta

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.queue_storage import send

_logger = logging.getLogger(__name__)

INVISIBLE = timedelta(minutes=10)
_RENEWAL = INVISIBLE / 2


class MessageLease:
    """Our hold on a message; every renewal changes the receipt that settles it."""

    def __init__(self, queue: QueueClient, message: QueueMessage) -> None:
        """Take a message that was just received."""
        self._queue = queue
        self._id = str(message.id)
        self._receipt = message.pop_receipt
        self._text = str(message.content)

    async def renew_forever(self) -> None:
        """Keep the message invisible; a failed renewal is tried again at the next turn."""
        while True:
            await asyncio.sleep(_RENEWAL.total_seconds())
            try:
                await self.release(INVISIBLE)
            except AzureError as refused:
                _logger.warning("message %s was not renewed: %s", self._id, refused)

    async def delete(self) -> None:
        """Take the message out of the queue."""
        await self._queue.delete_message(self._id, self._receipt)

    async def release(self, visibility: timedelta) -> None:
        """Let the message come back after this long."""
        updated = await self._queue.update_message(
            self._id, self._receipt, visibility_timeout=round(visibility.total_seconds())
        )
        self._receipt = updated.pop_receipt

    async def move_to(self, poison: QueueClient) -> None:
        """Copy, then delete: a crash between the two repeats the message, and loses none."""
        await send(poison, self._text)
        await self.delete()
        _logger.warning("message %s was moved to %s", self._id, poison.queue_name)
