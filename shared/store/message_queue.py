"""One Storage queue: a session's id, in a message that becomes visible later.

After the id, maybe a blank and the traceparent of whoever sent it.
"""

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from shared import trace
from shared.session.ids import SessionId
from shared.store.lazy_client import LazyClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.storage.queue.aio import QueueClient

QUEUE_NAME = "liveness-completions"

# By then the session's alarm has long done what a message did not.
_TIME_TO_LIVE = timedelta(hours=1)


class StorageQueue(LazyClient["QueueClient"]):
    """Sends messages, and never reads one: the trigger does."""

    async def send(self, session_id: SessionId, *, delay: timedelta) -> None:
        """Name a session in a message that becomes visible after the delay, in one request."""
        await self._ask(self._send(session_id, delay), failure="the queue took no message")

    async def check(self) -> None:
        """See that the queue is there, and open to us."""
        await self._ask(self._check(), failure="the queue cannot be had")

    def load_sdk(self) -> "tuple[type[QueueClient], Mapping[str, Any]]":
        """Import the client of queues."""
        from azure.storage.queue import TextBase64EncodePolicy  # noqa: PLC0415 - see LazyClient
        from azure.storage.queue.aio import QueueClient  # noqa: PLC0415 - see LazyClient

        # The trigger reads base64, unless host.json says otherwise.
        return QueueClient, {"message_encode_policy": TextBase64EncodePolicy()}

    async def _send(self, session_id: SessionId, delay: timedelta) -> None:
        parent = trace.find_trace_parent()
        await self._client().send_message(
            f"{session_id} {parent}" if parent else session_id,
            visibility_timeout=ceil(delay.total_seconds()),
            time_to_live=round(_TIME_TO_LIVE.total_seconds()),
        )

    async def _check(self) -> None:
        await self._client().get_queue_properties()
