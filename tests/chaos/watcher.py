"""What the table held, from time to time: every Face session it named, every step it showed."""

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError
from azure.data.tables.aio import TableClient

from tests.chaos.history import now
from tests.support.constants import FINAL

if TYPE_CHECKING:
    from datetime import datetime

type Row = dict[str, Any]

_PAUSE_SECONDS = 0.5


class Watcher:
    """Reads the whole table again and again."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self.named: set[str] = set()
        self.steps: dict[str, list[tuple[datetime, Row]]] = defaultdict(list)
        self.changed_endings: list[tuple[str, str]] = []

    async def run(self) -> None:
        """Watch until canceled."""
        while True:
            with contextlib.suppress(AzureError):
                await self.look()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def look(self) -> list[Row]:
        """Read the table once."""
        rows = [{**row, "etag": row.metadata["etag"]} async for row in self._table.list_entities()]
        for row in rows:
            if row["RowKey"].startswith("session-"):
                self._see(row["RowKey"].removeprefix("session-"), row)
        return rows

    async def settled(self) -> list[Row]:
        """Read until two looks agree."""
        before = await self.look()
        for _ in range(40):
            await asyncio.sleep(0.3)
            after = await self.look()
            if _versions(after) == _versions(before):
                return after
            before = after
        return before

    def _see(self, session_id: str, row: Row) -> None:
        self.named.add(str(row["faceSessionId"]))
        steps = self.steps[session_id]
        if steps and steps[-1][1]["etag"] == row["etag"]:
            return
        if steps and steps[-1][1]["status"] in FINAL:
            last = steps[-1][1]
            kept = ("status", "outcome", "reasons", "endedAt", "faceSessionId", "reportedDigest")
            if any(last.get(name) != row.get(name) for name in kept):
                self.changed_endings.append((session_id, f"{last} became {row}"))
        steps.append((now(), row))


def _versions(rows: list[Row]) -> set[tuple[str, str]]:
    return {(row["RowKey"], row["etag"]) for row in rows}
