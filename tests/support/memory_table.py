"""A Storage table in memory, as far as the store uses one: transactions, versions, key ranges."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from azure.data.tables import TransactionOperation, UpdateMode

from shared.errors import StoreConflictError, StoreUnavailableError
from shared.store.columns import Row
from shared.store.table import Operation

type Place = tuple[str, str]
type Trouble = Exception | Callable[[], None]


@dataclass
class MemoryTable:
    """All or nothing, one partition at a time; troubles come just before, or just after."""

    rows: dict[Place, tuple[Row, str]] = field(default_factory=dict)
    before: deque[Trouble] = field(default_factory=deque)
    after: deque[Exception] = field(default_factory=deque)
    commits: list[Sequence[Operation]] = field(default_factory=list)
    versions: int = 0
    closed: bool = False

    async def read(self, partition: str, key: str) -> tuple[Row, str] | None:
        await asyncio.sleep(0)
        return deepcopy(self.rows.get((partition, key)))

    async def commit(self, operations: Sequence[Operation]) -> list[str]:
        await asyncio.sleep(0)
        self.commits.append(operations)
        if self.before:
            trouble = self.before.popleft()
            if isinstance(trouble, Exception):
                raise trouble
            trouble()
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
        if self.after:
            raise self.after.popleft()
        return versions

    async def keys(self, partition: str, first: str, last: str) -> AsyncIterator[str]:
        for place, key in sorted(self.rows):
            if place == partition and first <= key < last:
                yield key

    async def close(self) -> None:
        self.closed = True

    def put(self, row: Row) -> None:
        """Write a row as somebody else would."""
        self.versions += 1
        self.rows[_place(row)] = (row, f'W/"{self.versions}"')

    def _check(self, kind: TransactionOperation, place: Place, options: list[Any]) -> None:
        known = self.rows.get(place)
        if (kind is TransactionOperation.CREATE) == (known is not None):
            raise StoreConflictError("there already, or gone")
        expected = options[0].get("etag") if options else None
        if known and expected not in {None, known[1]}:
            raise StoreConflictError("changed since")


def _place(row: Row) -> Place:
    return str(row["PartitionKey"]), str(row["RowKey"])
