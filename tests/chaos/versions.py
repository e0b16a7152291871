"""Rows as an earlier and a later version of the app would leave them, amid those of this one."""

import contextlib
import random
import secrets
from collections.abc import Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from tests.chaos.findings import Findings
from tests.support.constants import FINAL

type Row = dict[str, Any]

# What came to a session's row after it was first written, and what it is where nothing is written.
_LATE_COMERS = {
    "alarmDelays": 0,
    "awaitsDigest": False,
    "emptyLooks": 0,
    "failedCancels": 0,
    "imageIsAnalysisDue": False,
    "imageIsWanted": False,
    "imageState": "none",
    "isCanceledDuringCheck": False,
    "lateDigest": "none",
    "schemaVersion": 1,
}
_LATER_SCHEMA = 99
_COLUMN = "ofALaterVersion"


class OtherVersions:
    """Write to sessions that are open, each write under the ETag that was read."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self.written: dict[str, str] = {}

    async def write_as_earlier(self) -> None:
        """Take away the columns that an earlier version did not know."""
        if row := await self._choose():
            known = {name: value for name, value in row.items() if not _is_late_comer(name, value)}
            await self._write(row, known)

    async def write_as_later(self) -> None:
        """Add a column that this version does not know."""
        if row := await self._choose():
            value = secrets.token_hex(8)
            changed = {**row, _COLUMN: value, "schemaVersion": _LATER_SCHEMA}
            if await self._write(row, changed):
                self.written[row["RowKey"]] = value

    def check(self, rows: Sequence[Row], findings: Findings) -> None:
        """Check that what a later version has written is there still."""
        for row in rows:
            if (value := self.written.get(row["RowKey"])) is None:
                continue
            kept = (row.get(_COLUMN), row.get("schemaVersion")) == (value, _LATER_SCHEMA)
            session_id = row["RowKey"].removeprefix("session-")
            findings.check(kept, "what a later version wrote is kept", row, session_id)

    async def _choose(self) -> Row | None:
        with contextlib.suppress(AzureError):
            rows = [
                {**row, "etag": row.metadata["etag"]}
                async for row in self._table.list_entities()
                if row["RowKey"].startswith("session-") and row["status"] not in FINAL
            ]
            return random.choice(rows) if rows else None  # noqa: S311 - any will do
        return None

    async def _write(self, before: Row, after: Row) -> bool:
        entity = {name: value for name, value in after.items() if name != "etag"}
        with contextlib.suppress(AzureError):
            await self._table.update_entity(
                entity,
                mode=UpdateMode.REPLACE,
                etag=before["etag"],
                match_condition=MatchConditions.IfNotModified,
            )
            return True
        return False


def _is_late_comer(name: str, value: object) -> bool:
    return name in _LATE_COMERS and value == _LATE_COMERS[name]
