"""Creates of one person take turns within a process, so that none is opened at Face in vain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.errors import SessionConflictError
from shared.session.shard import PersonHash

_RETRY_AFTER_SECONDS = 1


@dataclass(slots=True)
class _Line:
    """Those of one person: the one whose turn it is, and all who wait."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who waits behind whom."""

    max_wait_seconds: float
    _lines: dict[PersonHash, _Line] = field(default_factory=dict, init=False)

    @asynccontextmanager
    async def take(self, person: PersonHash) -> AsyncIterator[None]:
        """Wait for a person's turn; SessionConflict when that takes too long."""
        line = self._lines.setdefault(person, _Line())
        line.length += 1
        try:
            await self._await_turn(line)
            try:
                yield
            finally:
                line.turn.release()
        finally:
            line.length -= 1
            if line.length == 0:
                del self._lines[person]

    async def _await_turn(self, line: _Line) -> None:
        try:
            async with asyncio.timeout(self.max_wait_seconds):
                await line.turn.acquire()
        except TimeoutError as error:
            raise SessionConflictError(
                "too many creates of this person at the same time",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            ) from error
