"""One Storage queue: a session's id, in a message that becomes visible later.

After the id, maybe a blank and the traceparent of whoever sent it.
"""

import asyncio
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Self

from azure.core.credentials_async import AsyncTokenCredential

from shared import azure_errors, trace
from shared.azure_http import open_transport
from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.session.ids import SessionId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.storage.queue.aio import QueueClient

    type Open = Callable[[type[QueueClient], Mapping[str, Any]], QueueClient]

QUEUE_NAME = "liveness-completions"

# By then the session's alarm has long done what a message did not.
_TIME_TO_LIVE = timedelta(hours=1)


class StorageQueue:
    """Sends messages; most processes of most apps never do, so the SDK is loaded by the first."""

    def __init__(self, open_client: "Open", *, timeout_seconds: float) -> None:
        """Take what makes a client of the SDK's class and of our options."""
        self._open = open_client
        self._timeout_seconds = timeout_seconds
        self._opened: QueueClient | None = None

    @classmethod
    def connect(
        cls, url: str, credential: AsyncTokenCredential, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open the queue by its service's URL, as an identity."""
        return cls(
            lambda client, options: client(url, name, credential=credential, **options),
            timeout_seconds=timeout_seconds,
        )

    @classmethod
    def from_connection_string(
        cls, connection: Secret, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open the queue by a connection string, which holds the account's key."""
        return cls(
            lambda client, options: client.from_connection_string(
                connection.reveal(), name, **options
            ),
            timeout_seconds=timeout_seconds,
        )

    async def send(self, session_id: SessionId, *, delay: timedelta) -> None:
        """Name a session in a message that becomes visible after the delay, in one request."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client().send_message(
                    f"{session_id} {parent}"
                    if (parent := trace.find_trace_parent())
                    else session_id,
                    visibility_timeout=ceil(delay.total_seconds()),
                    time_to_live=round(_TIME_TO_LIVE.total_seconds()),
                )
        except azure_errors.CLIENT_ERRORS as error:
            cause = azure_errors.describe(error)
            raise StoreUnavailableError(f"the queue took no message: {cause}") from error

    async def check(self) -> None:
        """See that the queue is there, and open to us."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client().get_queue_properties()
        except azure_errors.CLIENT_ERRORS as error:
            cause = azure_errors.describe(error)
            raise StoreUnavailableError(f"the queue cannot be had: {cause}") from error

    async def close(self) -> None:
        """Close the client, if there is one."""
        if self._opened is not None:
            await self._opened.close()

    def _client(self) -> "QueueClient":
        if self._opened is None:
            from azure.storage.queue import TextBase64EncodePolicy  # noqa: PLC0415 - see above
            from azure.storage.queue.aio import QueueClient  # noqa: PLC0415 - see above

            options = {
                # The trigger reads base64, unless host.json says otherwise.
                "message_encode_policy": TextBase64EncodePolicy(),
                # The SDK's own retries wait for more than a minute; the alarm is sooner.
                "retry_total": 0,
                "transport": open_transport(self._timeout_seconds),
            }
            self._opened = self._open(QueueClient, options)
        return self._opened
