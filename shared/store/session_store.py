"""Sessions, their alarms and their persons' ledgers as rows of one table; refuses lost updates.

All rows of one person live in one partition, and what belongs together changes in one transaction:
there is never a session without its one alarm, an open one without its slot, or a second writer who
does not learn of the first.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from azure.core.credentials_async import AsyncTokenCredential

from shared.errors import StoreConflictError
from shared.late_loading import load_later
from shared.secret import Secret
from shared.session.alarm import Alarm, backoff_delay
from shared.session.ids import NO_SESSION_ID, SessionId, shard_of
from shared.session.ledger import MEMORY, Entry, Ledger, Unlock
from shared.session.ledger_changes import Opening
from shared.session.session import Session
from shared.session.shard import PersonHash, Shard, shard_of_person
from shared.store import (
    alarm_rows,
    ledger_operations,
    ledger_rows,
    row_keys,
    session_rows,
)
from shared.store.columns import Row, row_at
from shared.store.table import (
    Operation,
    StorageTable,
    delete_op,
    insert_op,
    merge_op,
    replace_op,
    upsert_op,
)

with load_later():
    from shared.store import erasure_store

TABLE_NAME = "LivenessSessions"

_UNREADABLE_FIRST_DELAY = timedelta(minutes=2)


class TableSessionStore:
    """The table `LivenessSessions`."""

    def __init__(self, table: StorageTable) -> None:
        """Take a table that is ready to use."""
        self._table = table

    @classmethod
    def connect(cls, url: str, credential: AsyncTokenCredential, *, timeout_seconds: float) -> Self:
        """Open the table by its service's URL, as an identity."""
        return cls(
            StorageTable.connect(url, credential, name=TABLE_NAME, timeout_seconds=timeout_seconds)
        )

    @classmethod
    def from_connection_string(cls, connection: Secret, *, timeout_seconds: float) -> Self:
        """Open the table by a connection string, which holds the account's key."""
        return cls(
            StorageTable.from_connection_string(
                connection, name=TABLE_NAME, timeout_seconds=timeout_seconds
            )
        )

    @cached_property
    def erasures(self) -> "erasure_store.ErasureStore":
        """The rows of erasures, in the same table."""
        return erasure_store.ErasureStore(self._table)

    async def insert(self, opening: Opening) -> None:
        """Record a new session with all that belongs to it."""
        session = opening.session
        await self._table.commit(
            [
                insert_op(session_rows.session_row(session)),
                insert_op(alarm_rows.alarm_row(session)),
                *ledger_operations.opening_operations(opening),
            ]
        )

    async def load(self, session_id: SessionId) -> Session | None:
        """Read a session."""
        found = await self._table.read(shard_of(session_id), row_keys.session_key(session_id))
        return session_rows.session_from_row(*found) if found else None

    async def replace(self, before: Session, after: Session) -> Session:
        """Change a session, its alarm if that changes, and at its end its person's ledger."""
        is_ending = after.is_final and not before.is_final
        versions = await self._table.commit(
            [
                replace_op(session_rows.session_row(after), before.version),
                *_alarm_operations(before, after),
                *(ledger_operations.ending_operations(after) if is_ending else ()),
            ]
        )
        return replace(after, version=versions[0])

    async def purge(self, session: Session) -> None:
        """Remove a session, its alarm, and all that is its own in its person's ledger."""
        shard, keys = shard_of(session.session_id), ledger_operations.keys_of(session)
        found = await asyncio.gather(*(self._table.read(shard, key) for key in keys))
        await self._table.commit(
            [
                delete_op(session_rows.session_row(session), session.version),
                delete_op(alarm_rows.alarm_row(session)),
                *(
                    delete_op(row, version)
                    for row, version in filter(None, found)
                    if ledger_operations.is_row_of(row, session)
                ),
            ]
        )

    async def load_ledger(self, person: PersonHash, now: datetime) -> Ledger:
        """Read a person's ledger, as far back as anything in it counts."""
        rows = await self._table.list_rows(
            shard_of_person(person), *row_keys.ledger_range(person, now)
        )
        return ledger_rows.ledger_from_rows(person, rows, now)

    async def list_sessions(
        self, person: PersonHash, *, after: str | None, limit: int
    ) -> list[tuple[str, Session]]:
        """List a person's sessions from a place on, the newest first, each with its place."""
        listed: list[tuple[str, Session]] = []
        shard, (first, last) = shard_of_person(person), row_keys.list_range(person, after)
        while len(listed) < limit:
            keys = await self._table.list_keys(shard, first, last, limit=limit)
            listed += await self._load_started(person, keys)
            if len(keys) < limit:
                break
            first, _ = row_keys.list_range(person, row_keys.place_of(person, keys[-1]))
        return listed[:limit]

    async def _load_started(self, person: PersonHash, keys: list[str]) -> list[tuple[str, Session]]:
        started = {key: row_keys.session_of_start(person, key) for key in keys}
        wanted = {key: session_id for key, session_id in started.items() if session_id}
        found = await asyncio.gather(*map(self.load, wanted.values()))
        # A start whose reference image was too poor has no session.
        places = (row_keys.place_of(person, key) for key in wanted)
        return [(place, one) for place, one in zip(places, found, strict=True) if one]

    async def load_sealed_answer(self, session_id: SessionId) -> str | None:
        """Read the sealed answer to a session's create."""
        found = await self._table.read(shard_of(session_id), row_keys.answer_key(session_id))
        return ledger_rows.sealed_answer_from_row(found[0]) if found else None

    async def record_start(self, person: PersonHash, start: Entry) -> None:
        """Record a start that no session has come of, with an alarm by which it goes."""
        row = ledger_rows.entry_row(person, start)
        alarm = alarm_rows.record_alarm_row(row, start.at + MEMORY)
        await self._table.commit([upsert_op(row), upsert_op(alarm)])

    async def record_unlock(self, person: PersonHash, unlock: Unlock) -> None:
        """Record that a person's failures are forgiven, with an alarm by which that goes."""
        row = ledger_rows.unlock_row(person, unlock)
        alarm = alarm_rows.record_alarm_row(row, unlock.at + MEMORY)
        await self._table.commit([upsert_op(row), upsert_op(alarm)])

    async def end_record(self, alarm: Alarm) -> None:
        """Remove the row whose alarm is due, unless it was written anew since."""
        operations, key = [delete_op(alarm_rows.row_of(alarm))], row_keys.owner_key(alarm)
        found = await self._table.read(alarm.shard, key)
        if found and not ledger_rows.is_unlock_after(found[0], alarm.due_at):
            operations.append(delete_op(*found))
        await self._table.commit(operations)

    async def adopt_alarm(self, session: Session, alarm: Alarm) -> Session:
        """Make an orphaned alarm the session's one, or remove it where the session has its own."""
        shard, own = shard_of(session.session_id), alarm_rows.alarm_row(session)
        found = await self._table.read(shard, str(own["RowKey"]))
        if alarm.shard != shard or found is not None or alarm.due_at is None:
            await self._table.commit([delete_op(alarm_rows.row_of(alarm))])
            raise StoreConflictError("the session has its own alarm")
        known = replace(session, alarm_at=alarm.due_at)
        operations = [replace_op(session_rows.session_row(known), session.version)]
        if alarm.row_key != row_keys.alarm_key(known):
            # At the right time, but not for what the session has come to.
            renamed = insert_op(alarm_rows.alarm_row(known))
            operations += [delete_op(alarm_rows.row_of(alarm)), renamed]
        versions = await self._table.commit(operations)
        return replace(known, version=versions[0])

    async def postpone_unreadable(self, alarm: Alarm, now: datetime, keep_for: timedelta) -> None:
        """Move on the alarm of a row that cannot be read; remove it with a row kept long enough."""
        row, owner_key = alarm_rows.row_of(alarm), row_keys.owner_key(alarm)
        owner = await self._table.read(alarm.shard, owner_key)
        found = await self._table.read(alarm.shard, alarm.row_key)
        known = found[0] if found else {}
        since = alarm_rows.since_from_row(known, now)
        if owner is None or now >= since + keep_for:
            await self._table.commit([delete_op(row), *await self._delete_unread(alarm, owner)])
            return
        delays = alarm_rows.delays_from_row(known)
        due_at = now + backoff_delay(_UNREADABLE_FIRST_DELAY, delays)
        moved = alarm_rows.later_row(alarm, due_at, delays=delays + 1, since=since)
        moment = {**row_at(alarm.shard, owner_key), **session_rows.alarm_columns(due_at)}
        await self._table.commit([delete_op(row), insert_op(moved), merge_op(moment)])

    async def _delete_unread(self, alarm: Alarm, owner: tuple[Row, str] | None) -> list[Operation]:
        # What its person's ledger has of it cannot be told from a row that nobody can read.
        key = row_keys.answer_key(alarm.session_id or NO_SESSION_ID)
        answer = await self._table.read(alarm.shard, key)
        return [delete_op(*one) for one in (owner, answer) if one]

    async def list_due(self, shard: Shard, now: datetime, *, limit: int) -> list[Alarm]:
        """List the first alarms that are due, the oldest first."""
        keys = await self._table.list_keys(shard, *row_keys.due_range(now), limit=limit)
        return [row_keys.alarm_from_key(shard, key) for key in keys]

    async def close(self) -> None:
        """Close the table."""
        await self._table.close()


def _alarm_operations(before: Session, after: Session) -> tuple[Operation, ...]:
    # Two operations on one row key are refused, so an alarm that stays must not be touched:
    # https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
    if row_keys.alarm_key(before) == row_keys.alarm_key(after):
        return ()
    return delete_op(alarm_rows.alarm_row(before)), insert_op(alarm_rows.alarm_row(after))
