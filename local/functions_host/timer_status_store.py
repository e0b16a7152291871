"""Where timers are kept: one blob each, in the place where the real host keeps them."""

import hashlib
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from local.functions_host.timer_schedule import TimerStatus

_CONTAINER = "azure-webjobs-hosts"
_MAX_HOST_ID_LENGTH = 32


class TimerStatusStore:
    """The status blobs of one host id."""

    def __init__(self, connection: str, host_id: str) -> None:
        """Open a client; nothing is sent yet."""
        self._blobs = BlobServiceClient.from_connection_string(
            connection, connection_timeout=5, read_timeout=10, retry_total=1
        )
        self._host_id = host_id

    async def load(self, function: str) -> TimerStatus | None:
        """Read a timer's status; None when it has never been written or cannot be understood."""
        blob = self._blobs.get_blob_client(_CONTAINER, self._path(function))
        try:
            content = await (await blob.download_blob()).readall()
            return TimerStatus.from_json(content.decode())
        except (ResourceNotFoundError, ValueError, KeyError):
            return None

    async def save(self, function: str, status: TimerStatus) -> None:
        """Write a timer's status, creating the container on demand."""
        blob = self._blobs.get_blob_client(_CONTAINER, self._path(function))
        text = status.to_json()
        try:
            await blob.upload_blob(text, overwrite=True)
        except ResourceNotFoundError:
            await self._create_container()
            await blob.upload_blob(text, overwrite=True)

    async def close(self) -> None:
        """Close the client."""
        await self._blobs.close()

    async def _create_container(self) -> None:
        try:
            await self._blobs.create_container(_CONTAINER)
        except ResourceExistsError:
            return

    def _path(self, function: str) -> str:
        return f"timers/{self._host_id}/Host.Functions.{function}/status"


def host_id(app_directory: Path, settings: Mapping[str, str]) -> str:
    """Name this host: by its setting, by its site, or else by machine and directory."""
    # https://learn.microsoft.com/azure/azure-functions/storage-considerations#host-id-considerations
    name = settings.get("AzureFunctionsWebHost__hostid") or settings.get("WEBSITE_SITE_NAME")
    if not name:
        digest = hashlib.sha256(str(app_directory).encode()).hexdigest()
        name = f"{re.sub('[^a-z0-9]', '', platform.node().lower())[:20]}-{digest[:10]}"
    return name.lower()[:_MAX_HOST_ID_LENGTH].strip("-")
