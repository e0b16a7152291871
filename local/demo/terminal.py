"""The terminal that the story is told on: its styles, and its pace where somebody watches."""

import asyncio
import os
from dataclasses import dataclass
from typing import Self, TextIO

WIDTH = 80

_PAUSE_SECONDS = 0.3
_MAX_PAUSES = 6
_STYLES = {"bold": "1", "green": "32", "faint": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Shows one line at a time."""

    stream: TextIO
    pause_seconds: float = 0
    is_styled: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, is_fast: bool) -> Self:
        """Take time and use styles for people only, not for a pipe or a file."""
        is_watched = stream.isatty()
        return cls(
            stream=stream,
            pause_seconds=_PAUSE_SECONDS if is_watched and not is_fast else 0,
            is_styled=is_watched and "NO_COLOR" not in os.environ,  # https://no-color.org
        )

    async def show(self, text: str, style: str | None = None) -> None:
        """Show a line, or several as one, and leave time to read them."""
        self.write(self._style(text, style) + "\n")
        lines = text.count("\n") + 1
        await asyncio.sleep(self.pause_seconds * min(lines, _MAX_PAUSES))

    def write(self, text: str) -> None:
        """Show some text at once."""
        self.stream.write(text)
        self.stream.flush()

    def _style(self, text: str, style: str | None) -> str:
        if style is None or not self.is_styled:
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
