"""The whole stack's clock: real time, plus what the tests and the demo have skipped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from local import json_file


def real_now() -> datetime:
    """Tell the time outside: for what runs on real time whatever the stack pretends."""
    return datetime.now(UTC)


class StackClock:
    """Reads its offset from a file each time, so that every process agrees the moment it moves."""

    def __init__(self, path: Path) -> None:
        """Keep the offset in this file; no file is no offset."""
        self.path = path

    def now(self) -> datetime:
        """Tell the stack's time, in UTC."""
        return real_now() + timedelta(seconds=self._offset_seconds())

    def advance(self, seconds: float) -> None:
        """Skip some time, for every process at once."""
        json_file.write(self.path, {"offsetSeconds": self._offset_seconds() + seconds})

    def _offset_seconds(self) -> float:
        return float(json_file.read(self.path, default={}).get("offsetSeconds", 0))
