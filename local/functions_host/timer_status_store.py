"""Where timers are kept: one blob each."""

from azure.core.exceptions import ResourceNotFoundError

from local.functions_host.host_blobs import HostBlobs
from local.functions_host.timer_schedule import TimerStatus


class TimerStatusStore:
    """The status of one timer."""

    def __init__(self, blobs: HostBlobs, function: str) -> None:
        """Open nothing yet."""
        self._blobs = blobs
        self._path = f"timers/{blobs.host_id}/Host.Functions.{function}/status"

    async def load(self) -> TimerStatus | None:
        """Read the status; None when it has never been written or cannot be understood."""
        try:
            content = await (await self._blobs.blob(self._path).download_blob()).readall()
            return TimerStatus.from_json(content.decode())
        except (ResourceNotFoundError, ValueError, KeyError):
            return None

    async def save(self, status: TimerStatus) -> None:
        """Write the status."""
        await self._blobs.write(self._path, status.to_json())
