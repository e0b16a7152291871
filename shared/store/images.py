"""Pictures in Storage, each under its session's id: written once, read whole, gone when deleted."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Self

from azure.core.credentials_async import AsyncTokenCredential

from shared import azure_errors
from shared.azure_http import open_transport
from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.session.ids import SessionId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.storage.blob.aio import ContainerClient

    type Open = Callable[[type[ContainerClient], Mapping[str, Any]], ContainerClient]

CONTAINER_NAME = "session-images"

_JPEG = b"\xff\xd8\xff"
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_IS_THERE, _IS_GONE = "BlobAlreadyExists", "BlobNotFound"


class BlobImageStore:
    """A container; an app that keeps no pictures never loads the SDK, which the first call does."""

    def __init__(self, open_client: "Open", *, timeout_seconds: float) -> None:
        """Take what makes a client of the SDK's class and of our options."""
        self._open = open_client
        self._timeout_seconds = timeout_seconds
        self._opened: ContainerClient | None = None

    @classmethod
    def connect(
        cls, url: str, credential: AsyncTokenCredential, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open the container by its service's URL, as an identity."""
        return cls(
            lambda client, options: client(url, name, credential=credential, **options),
            timeout_seconds=timeout_seconds,
        )

    @classmethod
    def from_connection_string(
        cls, connection: Secret, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open the container by a connection string, which holds the account's key."""
        return cls(
            lambda client, options: client.from_connection_string(
                connection.reveal(), name, **options
            ),
            timeout_seconds=timeout_seconds,
        )

    async def insert(self, session_id: SessionId, image: bytes) -> None:
        """Keep a JPEG, unless the session's picture is there already: the first one stays."""
        await self._ask(self._insert(session_id, image), fine=_IS_THERE)

    async def load(self, session_id: SessionId) -> bytes | None:
        """Read a picture whole."""
        return await self._ask(self._load(session_id), fine=_IS_GONE)

    async def delete(self, session_id: SessionId) -> None:
        """Remove a picture; one that is not there is removed."""
        await self._ask(self._delete(session_id), fine=_IS_GONE)

    async def close(self) -> None:
        """Close the client, if there is one."""
        if self._opened is not None:
            await self._opened.close()

    async def _insert(self, session_id: SessionId, image: bytes) -> None:
        from azure.storage.blob import ContentSettings  # noqa: PLC0415 - see above

        # In one request, whole or not at all: https://learn.microsoft.com/rest/api/storageservices/put-blob
        await self._client().upload_blob(
            session_id, image, content_settings=ContentSettings(content_type="image/jpeg")
        )

    async def _load(self, session_id: SessionId) -> bytes:
        answers: list[Any] = []
        try:
            found = await self._client().download_blob(session_id, raw_response_hook=answers.append)
            image = await found.readall()
        except ValueError:
            # The SDK leaves open what it cannot make sense of.
            for answer in answers:
                answer.http_response.internal_response.close()
            raise
        if not image.startswith(_JPEG):
            raise StoreUnavailableError("what should be a picture is none")
        return image

    async def _delete(self, session_id: SessionId) -> None:
        await self._client().delete_blob(session_id)

    async def _ask[T](self, call: Awaitable[T], *, fine: str) -> T | None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await call
        except azure_errors.CLIENT_ERRORS as error:
            if getattr(error, "error_code", None) == fine:
                return None
            cause = azure_errors.describe(error)
            raise StoreUnavailableError(f"the pictures cannot be had: {cause}") from error

    def _client(self) -> "ContainerClient":
        if self._opened is None:
            from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415 - see above

            options = {
                # The SDK's own retries wait for more than a minute; the alarm is sooner.
                "retry_total": 0,
                "transport": open_transport(self._timeout_seconds),
            }
            self._opened = self._open(ContainerClient, options)
        return self._opened
