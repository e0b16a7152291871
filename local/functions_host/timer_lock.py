"""By which one host of several runs a timer: a lease on a blob, renewed while the host lives."""

import contextlib
import uuid
from datetime import timedelta
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobLeaseClient

from local.functions_host.host_blobs import HostBlobs


class TimerLock:
    """The lock of one timer; a host that is killed leaves it to run out."""

    def __init__(self, blobs: HostBlobs, function: str, period: timedelta) -> None:
        """Take how long a lease lasts; Storage takes 15 to 60 seconds."""
        self.period = period
        self._blobs = blobs
        self._path = f"locks/{blobs.host_id}/Host.Functions.{function}.Listener"
        self._id = str(uuid.uuid4())

    async def acquire(self) -> bool:
        """Take the lock; False while another host has it."""
        try:
            return await self._acquire()
        except ResourceNotFoundError:
            await self._blobs.write(self._path, "")
            return await self._acquire()

    async def renew(self) -> bool:
        """Keep the lock; False when it is, or may be, another's by now."""
        try:
            await self._lease().renew()
        except AzureError:
            return False
        return True

    async def release(self) -> None:
        """Give the lock back; one that is lost already is nobody's loss."""
        with contextlib.suppress(AzureError):
            await self._lease().release()

    async def _acquire(self) -> bool:
        try:
            # The same id takes a lease again that a lost answer has left us unsure of.
            await self._lease().acquire(round(self.period.total_seconds()))
        except HttpResponseError as refused:
            if refused.status_code != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def _lease(self) -> BlobLeaseClient:
        return BlobLeaseClient(self._blobs.blob(self._path), self._id)
