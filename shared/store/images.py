"""Pictures in Storage, each under its session's id: written once, read whole, gone when deleted."""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from shared.errors import StoreUnavailableError
from shared.session.ids import SessionId
from shared.store.lazy_client import LazyClient

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

CONTAINER_NAME = "session-images"

_JPEG = b"\xff\xd8\xff"
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_IS_THERE, _IS_GONE = "BlobAlreadyExists", "BlobNotFound"


class BlobImageStore(LazyClient["ContainerClient"]):
    """A container; an app that keeps no pictures never calls it."""

    async def insert(self, session_id: SessionId, image: bytes) -> None:
        """Keep a JPEG, unless the session's picture is there already: the first one stays."""
        await self._ask_for(self._insert(session_id, image), fine=_IS_THERE)

    async def load(self, session_id: SessionId) -> bytes | None:
        """Read a picture whole."""
        return await self._ask_for(self._load(session_id), fine=_IS_GONE)

    async def delete(self, session_id: SessionId) -> None:
        """Remove a picture; one that is not there is removed."""
        await self._ask_for(self._delete(session_id), fine=_IS_GONE)

    def load_sdk(self) -> "tuple[type[ContainerClient], Mapping[str, Any]]":
        """Import the client of containers."""
        from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415 - see LazyClient

        return ContainerClient, {}

    async def _insert(self, session_id: SessionId, image: bytes) -> None:
        from azure.storage.blob import ContentSettings  # noqa: PLC0415 - see LazyClient

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

    async def _ask_for[T](self, call: Awaitable[T], *, fine: str) -> T | None:
        try:
            return await self._ask(call, failure="the pictures cannot be had")
        except StoreUnavailableError as error:
            if getattr(error.__cause__, "error_code", None) == fine:
                return None
            raise
