"""A Storage table in memory, as far as the store uses one: transactions, versions, key ranges.

tests/contracts/test_store_contract.py holds it to what Azurite does.
"""

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from azure.data.tables import TransactionOperation, UpdateMode

from shared.errors import StoreConflictError, StoreUnavailableError
from shared.session.ids import shard_of
from shared.session.session import Session
from shared.store import alarm_rows, row_keys, session_rows
from shared.store.columns import Row
from shared.store.session_store import TableSessionStore
from shared.store.table import Operation
from tests.support.faults import Faults

if TYPE_CHECKING:
    from shared.store.table import StorageTable

type Place = tuple[str, str]


@dataclass
class MemoryTable:
    """All or nothing, one partition at a time."""

    rows: dict[Place, tuple[Row, str]] = field(default_factory=dict)
    commits: list[Sequence[Operation]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    unreadable_partitions: set[str] = field(default_factory=set)
    versions: int = 0
    closed: bool = False

    async def read(self, partition: str, key: str) -> tuple[Row, str] | None:
        self.requests.append("read")
        await asyncio.sleep(0)
        return deepcopy(self.rows.get((partition, key)))

    async def commit(self, operations: Sequence[Operation]) -> list[str]:
        self.requests.append("commit")
        await asyncio.sleep(0)
        self.commits.append(operations)
        return await self.faults.carry("commit", lambda: self._commit(operations))

    async def list_keys(self, partition: str, first: str, last: str, *, limit: int) -> list[str]:
        self.requests.append("list")
        if partition in self.unreadable_partitions:
            raise StoreUnavailableError("down")
        keys = [key for place, key in sorted(self.rows) if place == partition]
        return [key for key in keys if first <= key < last][:limit]

    async def list_rows(self, partition: str, first: str, last: str) -> list[tuple[Row, str]]:
        self.requests.append("list")
        await asyncio.sleep(0)
        found = sorted(
            (key, deepcopy(row)) for (place, key), row in self.rows.items() if place == partition
        )
        return [row for key, row in found if first <= key < last]

    async def close(self) -> None:
        self.closed = True

    def put(self, row: Row) -> None:
        """Write a row as somebody else would."""
        self.versions += 1
        self.rows[_place(row)] = (row, f'W/"{self.versions}"')

    def of_kind(self, prefix: str) -> list[tuple[Row, str]]:
        """List the rows whose keys begin so, with their versions."""
        return [found for (_, key), found in self.rows.items() if key.startswith(prefix)]

    async def _commit(self, operations: Sequence[Operation]) -> list[str]:
        changed, versions = dict(self.rows), []
        places = [_place(row) for _, row, *_ in operations]
        if len(set(places)) != len(places) or len({partition for partition, _ in places}) != 1:
            raise StoreUnavailableError("no transaction that a table takes")
        for (kind, row, *options), place in zip(operations, places, strict=True):
            self._check(kind, place, options)
            self.versions += 1
            versions.append(f'W/"{self.versions}"')
            if kind is TransactionOperation.DELETE:
                del changed[place]
            else:
                merges = bool(options) and options[0].get("mode") is UpdateMode.MERGE
                kept = changed[place][0] if merges else {}
                changed[place] = ({**kept, **row}, versions[-1])
        self.rows = changed
        return versions

    def _check(self, kind: TransactionOperation, place: Place, options: list[Any]) -> None:
        known = self.rows.get(place)
        if kind is TransactionOperation.UPSERT:
            return
        if (kind is TransactionOperation.CREATE) == (known is not None):
            raise StoreConflictError("there already, or gone")
        expected = options[0].get("etag") if options else None
        if known and expected not in {None, known[1]}:
            raise StoreConflictError("changed since")


class StoreInMemory(TableSessionStore):
    """The real store, on a table in memory that a test may fill and read."""

    def __init__(self) -> None:
        self.table = MemoryTable()
        super().__init__(cast("StorageTable", self.table))

    def hold(self, *sessions: Session) -> None:
        """Record sessions as they are, each with its one alarm."""
        for session in sessions:
            place = shard_of(session.session_id), row_keys.session_key(session.session_id)
            if place in self.table.rows:
                known = session_rows.session_from_row(*self.table.rows[place])
                del self.table.rows[place[0], row_keys.alarm_key(known)]
            self.table.put(session_rows.session_row(session))
            self.table.put(alarm_rows.alarm_row(session))

    @property
    def sessions(self) -> dict[str, Session]:
        found = [session_rows.session_from_row(*row) for row in self.table.of_kind("session-")]
        return {session.session_id: session for session in found}

    @property
    def ledger_keys(self) -> list[str]:
        """What is in all ledgers, without its person: `1-slot-00`, `4-...-start-...`."""
        return [
            str(row["RowKey"]).partition(":")[2].partition(":")[2]
            for row, _ in self.table.of_kind("p:")
        ]

    def count(self, what: str) -> int:
        """Count a kind of row in all ledgers."""
        return sum(f"-{what}" in f"{key}-" for key in self.ledger_keys)

    @property
    def writes(self) -> int:
        """How many transactions there were."""
        return len(self.table.commits)


def _place(row: Row) -> Place:
    return str(row["PartitionKey"]), str(row["RowKey"])
