"""Sessions, their alarms, idempotency keys and counts as rows of one table; refuses lost updates.

All rows of one person live in one partition, and what belongs together changes in one transaction:
there is never a session without its one alarm, a wrong count, or a second writer who does not
learn of the first.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from azure.core.credentials_async import AsyncTokenCredential

from shared.errors import StoreConflictError, TooManySessionsError
from shared.secret import Secret
from shared.session.alarm import Alarm, backoff_delay
from shared.session.idempotency import Claim, KeyHash
from shared.session.ids import SessionId, shard_of
from shared.session.session import Session
from shared.session.shard import PersonHash, Shard
from shared.store import alarm_rows, claim_rows, row_keys, session_rows
from shared.store.columns import row_at
from shared.store.table import Operation, StorageTable, delete_op, insert_op, merge_op, replace_op

TABLE_NAME = "LivenessSessions"

_UNREADABLE_FIRST_DELAY = timedelta(minutes=2)
# Sessions of one person that begin or end at the same moment compete for the person's count.
_MAX_COUNT_RACES = 10


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

    async def insert(
        self, session: Session, claim: Claim | None, *, max_open_sessions: int
    ) -> None:
        """Record a new session with all that belongs to it."""
        for _ in range(_MAX_COUNT_RACES + max_open_sessions):
            operations = [*_new(session), *(_new_claim(claim) if claim else ())]
            if session.person_sha256:
                operations.append(
                    await self._increment_count(session, session.person_sha256, max_open_sessions)
                )
            try:
                await self._table.commit(operations)
            except StoreConflictError:
                if await self._check_if_taken(session, claim):
                    raise
            else:
                return
        raise StoreConflictError("the count of open sessions kept changing")

    async def load(self, session_id: SessionId) -> Session | None:
        """Read a session."""
        found = await self._table.read(shard_of(session_id), row_keys.session_key(session_id))
        return session_rows.session_from_row(*found) if found else None

    async def replace(self, before: Session, after: Session) -> Session:
        """Change a session and, if they change too, its alarm and its person's count."""
        for _ in range(_MAX_COUNT_RACES):
            operations = [
                replace_op(session_rows.session_row(after), before.version),
                *_alarm_operations(before, after),
                *(await self._decrement_count(after) if after.is_final > before.is_final else ()),
            ]
            try:
                versions = await self._table.commit(operations)
            except StoreConflictError:
                if not after.person_sha256 or not await self._check_if_unchanged(before):
                    raise
            else:
                return replace(after, version=versions[0])
        raise StoreConflictError("the count of open sessions kept changing")

    async def purge(self, session: Session) -> None:
        """Remove a session and its alarm."""
        await self._table.commit(
            [
                delete_op(session_rows.session_row(session), session.version),
                delete_op(alarm_rows.alarm_row(session)),
            ]
        )

    async def count_open_sessions(self, shard: Shard, person: PersonHash) -> int:
        """Count a person's open sessions."""
        found = await self._table.read(shard, row_keys.count_key(person))
        return claim_rows.count_from_row(found[0]) if found else 0

    async def load_claim(self, shard: Shard, key_hash: KeyHash) -> Claim | None:
        """Read an idempotency key."""
        found = await self._table.read(shard, row_keys.claim_key(key_hash))
        return claim_rows.claim_from_row(*found) if found else None

    async def drop_claim(self, claim: Claim) -> None:
        """Remove an idempotency key and its alarm."""
        await self._table.commit(
            [
                delete_op(claim_rows.claim_row(claim), claim.version),
                delete_op(alarm_rows.claim_alarm_row(claim)),
            ]
        )

    async def end_claim(self, alarm: Alarm) -> None:
        """Remove the idempotency key whose alarm is due."""
        claim = row_at(alarm.shard, row_keys.owner_key(alarm))
        await self._table.commit([delete_op(alarm_rows.row_of(alarm)), delete_op(claim)])

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

    async def postpone_unreadable(self, alarm: Alarm, now: datetime) -> None:
        """Move on the alarm of a row that cannot be read; remove one whose row is not there."""
        row, owner_key = alarm_rows.row_of(alarm), row_keys.owner_key(alarm)
        if await self._table.read(alarm.shard, owner_key) is None:
            await self._table.commit([delete_op(row)])
            return
        found = await self._table.read(alarm.shard, alarm.row_key)
        delays = alarm_rows.delays_from_row(found[0]) if found else 0
        due_at = now + backoff_delay(_UNREADABLE_FIRST_DELAY, delays)
        moved = alarm_rows.later_row(alarm, due_at, delays + 1)
        moment = {**row_at(alarm.shard, owner_key), **session_rows.alarm_columns(due_at)}
        await self._table.commit([delete_op(row), insert_op(moved), merge_op(moment)])

    async def list_due(self, shard: Shard, now: datetime, *, limit: int) -> list[Alarm]:
        """List the first alarms that are due, the oldest first."""
        keys = await self._table.list_keys(shard, *row_keys.due_range(now), limit=limit)
        return [row_keys.alarm_from_key(shard, key) for key in keys]

    async def close(self) -> None:
        """Close the table."""
        await self._table.close()

    async def _increment_count(
        self, session: Session, person: PersonHash, max_open_sessions: int
    ) -> Operation:
        shard = shard_of(session.session_id)
        found = await self._table.read(shard, row_keys.count_key(person))
        if found is None:
            return insert_op(claim_rows.count_row(shard, person, 1))
        row, version = found
        count = claim_rows.count_from_row(row)
        if 0 < max_open_sessions <= count:
            raise TooManySessionsError("the person has too many open sessions")
        return replace_op(claim_rows.count_row(shard, person, count + 1), version)

    async def _decrement_count(self, session: Session) -> list[Operation]:
        if session.person_sha256 is None:
            return []
        shard, person = shard_of(session.session_id), session.person_sha256
        found = await self._table.read(shard, row_keys.count_key(person))
        if found is None:
            return []
        row, version = found
        count = claim_rows.count_from_row(row)
        if count > 1:
            return [replace_op(claim_rows.count_row(shard, person, count - 1), version)]
        return [delete_op(row, version)]

    async def _check_if_taken(self, session: Session, claim: Claim | None) -> bool:
        if await self.load(session.session_id) is not None:
            return True
        return claim is not None and await self.load_claim(claim.shard, claim.key_hash) is not None

    async def _check_if_unchanged(self, session: Session) -> bool:
        found = await self.load(session.session_id)
        return found is not None and found.version == session.version


def _new(session: Session) -> tuple[Operation, Operation]:
    return insert_op(session_rows.session_row(session)), insert_op(alarm_rows.alarm_row(session))


def _new_claim(claim: Claim) -> tuple[Operation, Operation]:
    return insert_op(claim_rows.claim_row(claim)), insert_op(alarm_rows.claim_alarm_row(claim))


def _alarm_operations(before: Session, after: Session) -> tuple[Operation, ...]:
    # Two operations on one row key are refused, so an alarm that stays must not be touched:
    # https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
    if row_keys.alarm_key(before) == row_keys.alarm_key(after):
        return ()
    return delete_op(alarm_rows.alarm_row(before)), insert_op(alarm_rows.alarm_row(after))
