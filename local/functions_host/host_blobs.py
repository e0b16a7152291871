"""The blobs that timers share, in the place where the real host keeps them."""

import hashlib
import platform
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from local.functions_host.app_settings import connection_string
from local.functions_host.queue_storage import RETRY_OPTIONS

_CONTAINER = "azure-webjobs-hosts"
_MAX_HOST_ID_LENGTH = 32


class HostBlobs:
    """The blobs of one host id."""

    def __init__(self, settings: Mapping[str, str], host_id: str) -> None:
        """Open nothing yet: an app without timers needs no storage."""
        self._settings = settings
        self.host_id = host_id

    @cached_property
    def _service(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(
            connection_string("Storage", self._settings), **RETRY_OPTIONS
        )

    def blob(self, path: str) -> BlobClient:
        """Return a client of one blob."""
        return self._service.get_blob_client(_CONTAINER, path)

    async def write(self, path: str, text: str) -> None:
        """Write a blob, creating the container on demand."""
        try:
            await self.blob(path).upload_blob(text, overwrite=True)
        except ResourceNotFoundError:
            await self._create_container()
            await self.blob(path).upload_blob(text, overwrite=True)

    async def close(self) -> None:
        """Close the client, if there is one."""
        if "_service" in self.__dict__:
            await self._service.close()

    async def _create_container(self) -> None:
        try:
            await self._service.create_container(_CONTAINER)
        except ResourceExistsError:
            return


def name_host(app_directory: Path, settings: Mapping[str, str]) -> str:
    """Name this host: by its setting, by its site, or else by machine and directory."""
    # https://learn.microsoft.com/azure/azure-functions/storage-considerations#host-id-considerations
    name = settings.get("AzureFunctionsWebHost__hostid") or settings.get("WEBSITE_SITE_NAME")
    if not name:
        digest = hashlib.sha256(str(app_directory).encode()).hexdigest()
        name = f"{re.sub('[^a-z0-9]', '', platform.node().lower())[:20]}-{digest[:10]}"
    return name.lower()[:_MAX_HOST_ID_LENGTH].strip("-")
