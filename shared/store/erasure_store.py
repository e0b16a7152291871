"""Erasures as rows: the mark in a person's ledger, its alarm, and a receipt that outlives both.

p:<person hash>:3-erasure                               the mark: within the range a create reads
alarm-<due at>-erasure-p:<person hash>:3-erasure        by which an erasure is carried on
receipt-<receipt id>                                    the receipt
alarm-<due at>-erasure-receipt-<receipt id>             by which its event is sent
alarm-<due at>-record-receipt-<receipt id>              by which it goes
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched

from shared.session.alarm import Alarm
from shared.session.erasure import Mark, Receipt
from shared.session.ids import SessionId, shard_of
from shared.session.ledger import MEMORY
from shared.session.shard import PersonHash, shard_of_person
from shared.store import alarm_rows, row_keys
from shared.store.columns import Columns, Row, row_at
from shared.store.table import StorageTable, delete_op, insert_op, replace_op

_MARK = Columns(Mark, elsewhere={"version"})
_RECEIPT = Columns(Receipt, elsewhere={"receipt_id", "version"})
# A transaction takes a hundred.
_MAX_OPERATIONS = 100


class ErasureStore:
    """The rows of erasures, in the table of the sessions."""

    def __init__(self, table: StorageTable) -> None:
        """Take the sessions' table."""
        self._table = table

    async def load_mark(self, person: PersonHash) -> Mark | None:
        """Read a person's mark."""
        found = await self._table.read(shard_of_person(person), row_keys.mark_key(person))
        return _MARK.read(found[0], version=found[1]) if found else None

    async def load_receipt(self, receipt_id: SessionId) -> Receipt | None:
        """Read a receipt."""
        key = row_keys.receipt_key(receipt_id)
        found = await self._table.read(shard_of(receipt_id), key)
        return _RECEIPT.read(found[0], receipt_id=receipt_id, version=found[1]) if found else None

    def person_of(self, alarm: Alarm) -> PersonHash | None:
        """Tell whose erasure an alarm carries on; None if it is for a receipt."""
        key = row_keys.owner_key(alarm)
        return None if row_keys.is_receipt_key(key) else row_keys.person_of_mark(key)

    async def load_receipt_of(self, alarm: Alarm) -> Receipt | None:
        """Read the receipt that an alarm is for."""
        return await self.load_receipt(row_keys.receipt_id_from_key(row_keys.owner_key(alarm)))

    async def list_started(self, person: PersonHash) -> list[SessionId]:
        """List every session of a person that has a row, be it one that nobody can read."""
        shard = shard_of_person(person)
        rows = await self._table.list_rows(shard, *row_keys.list_range(person, None))
        started = (row_keys.session_of_start(person, str(row["RowKey"])) for row, _ in rows)
        ids = [one for one in started if one is not None]
        keys = map(row_keys.session_key, ids)
        found = await asyncio.gather(*(self._table.read(shard, key) for key in keys))
        return [one for one, row in zip(ids, found, strict=True) if row]

    async def insert_mark(self, person: PersonHash, mark: Mark, receipt: Receipt) -> Mark:
        """Mark a person, return the mark as it stands; StoreConflict where there is one already."""
        rows = _mark_row(person, mark), _receipt_row(receipt), _alarm_row(person, mark)
        versions = await self._table.commit([insert_op(row) for row in rows])
        return replace(mark, version=versions[0])

    async def postpone(self, person: PersonHash, before: Mark, after: Mark) -> Mark:
        """Carry an erasure on later, return the mark as it stands; StoreConflict if it is not."""
        versions = await self._table.commit(
            [
                replace_op(_mark_row(person, after), before.version),
                delete_op(_alarm_row(person, before)),
                insert_op(_alarm_row(person, after)),
            ]
        )
        return replace(after, version=versions[0])

    async def delete_unreadable(self, session_id: SessionId) -> None:
        """Remove the rows of a session by their keys alone."""
        shard = shard_of(session_id)
        alarms = await self._table.list_rows(shard, *row_keys.alarms_range())
        keys = row_keys.session_key(session_id), row_keys.answer_key(session_id)
        found = [await self._table.read(shard, key) for key in keys]
        own = [one for one in alarms if str(one[0]["RowKey"]).endswith(f"-{session_id}")]
        await self._delete([*own, *filter(None, found)])

    async def delete_ledger(self, person: PersonHash, now: datetime) -> None:
        """Remove all of a person's ledger but the mark, and the alarms that name its rows."""
        shard, mark = shard_of_person(person), row_keys.mark_key(person)
        rows, alarms = await asyncio.gather(
            self._table.list_rows(shard, f"p:{person}:", f"p:{person}:~"),
            # No row of a ledger is due later, and there are many more.
            self._table.list_rows(shard, *row_keys.due_range(now + MEMORY + timedelta(hours=1))),
        )
        own = [one for one in rows if one[0]["RowKey"] != mark]
        # An alarm of a row of no session ends in that row's key.
        own += [one for one in alarms if f"-record-p:{person}:" in str(one[0]["RowKey"])]
        await self._delete(own)

    async def delete_mark(self, person: PersonHash, mark: Mark, receipt: Receipt) -> None:
        """Remove the mark, and with it the last of the person; an alarm leads to the receipt."""
        row = _receipt_row(receipt)
        key = row_keys.erasure_alarm_key(receipt.ended_at, str(row["RowKey"]))
        await self._table.commit(
            [
                delete_op(_mark_row(person, mark), mark.version),
                delete_op(_alarm_row(person, mark)),
                replace_op(row, receipt.version),
                insert_op(row_at(str(row["PartitionKey"]), key)),
            ]
        )

    async def keep_receipt(self, alarm: Alarm, receipt: Receipt, *, purge_at: datetime) -> None:
        """Have a receipt that all is done with go by another alarm."""
        later = alarm_rows.record_alarm_row(_receipt_row(receipt), purge_at)
        await self._table.commit([delete_op(alarm_rows.row_of(alarm)), insert_op(later)])

    async def _delete(self, rows: Sequence[tuple[Row, str]]) -> None:
        for batch in batched(rows, _MAX_OPERATIONS, strict=False):
            await self._table.commit([delete_op(row, version) for row, version in batch])


def _mark_row(person: PersonHash, mark: Mark) -> Row:
    key = row_keys.mark_key(person)
    return {**row_at(shard_of_person(person), key), **_MARK.write(mark)}


def _receipt_row(receipt: Receipt) -> Row:
    key = row_keys.receipt_key(receipt.receipt_id)
    return {**row_at(shard_of(receipt.receipt_id), key), **_RECEIPT.write(receipt)}


def _alarm_row(person: PersonHash, mark: Mark) -> Row:
    key = row_keys.erasure_alarm_key(mark.alarm_at, row_keys.mark_key(person))
    return row_at(shard_of_person(person), key)
