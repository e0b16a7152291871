"""What the app's host logs, in a file: one process writes it, the page's server reads it."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

NAME = "host-log.jsonl"

# Whoever has not looked for long gets the end of it.
_MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record; its time is in seconds, as `time.time` has them."""

    time: float
    logger: str
    message: str


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {"time": record.created, "logger": record.name, "message": record.getMessage()}
        )


def keep(path: Path) -> None:
    """Write every record of this process to the file, beside wherever else it goes."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_OneLine())
    logging.getLogger().addHandler(handler)


class HostLog:
    """Reads the file from where it was left; there may be none yet."""

    def __init__(self, path: Path) -> None:
        """Begin anew: what an earlier stack has logged is nobody's business."""
        path.unlink(missing_ok=True)
        self._path = path
        self._offset = 0

    def read_new(self) -> list[Line]:
        """Read what has come since the last time; a half line waits for its end."""
        try:
            with self._path.open("rb") as file:
                skipped = max(file.seek(0, 2) - _MAX_BYTES - self._offset, 0)
                file.seek(self._offset + skipped)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += skipped + len(whole) + len(newline)
        lines = whole.splitlines()[bool(skipped) :]
        return [Line(**json.loads(line)) for line in lines]
