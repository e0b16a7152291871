"""What the app has logged, on whatever host it runs: the stack keeps it in its state folder."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class AppLines:
    """The app's log, read while it is written."""

    path: Path

    def text(self, *, since: int = 0) -> str:
        """Read it, or what came after so many bytes."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def messages(self, *, since: int = 0) -> list[str]:
        """Give what the app itself said."""
        return re.findall(r"(?m) face_liveness (.*)$", self.text(since=since))

    def count(self, event: str, *, since: int = 0) -> int:
        """Count an event, as the app names it."""
        return sum(f"{one} ".startswith(f"{event} ") for one in self.messages(since=since))

    async def wait_for(self, event: str, times: int = 1, *, since: int, seconds: float) -> None:
        """Wait until an event has come so often; TimeoutError if it does not."""
        async with asyncio.timeout(seconds):
            while self.count(event, since=since) < times:  # noqa: ASYNC110 - others write it
                await asyncio.sleep(_PAUSE_SECONDS)
