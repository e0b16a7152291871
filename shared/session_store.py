"""Sessions and their alarms as rows of one table; refuses lost updates.

A session's row and its alarm's row live in one partition and change in one transaction, so there is
never a session without its one alarm, and of two writers one wins.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http.client import HTTPException
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableErrorCode, TransactionOperation, UpdateMode
from azure.data.tables.aio import TableClient

from shared.errors import ConfigurationError, StoreConflictError, StoreUnavailableError
from shared.ports import Alarm
from shared.secret import Secret
from shared.session_rows import (
    Row,
    alarm_key,
    alarm_row,
    due_keys,
    session_from_row,
    session_id_of_alarm,
    session_key,
    session_row,
)
from shared.sessions import Session, shard_of

TABLE_NAME = "LivenessSessions"

# Not there, there already, changed since: somebody else wrote first.
_RACE_STATUSES = {404, 409, 412}
# What the SDK lets through when an answer is cut short or is no Storage answer at all.
_BROKEN = (AzureError, TimeoutError, OSError, HTTPException, ValueError, KeyError, TypeError)

_Operation = tuple[TransactionOperation, Row] | tuple[TransactionOperation, Row, dict[str, Any]]


class TableSessionStore:
    """The table `LivenessSessions`."""

    def __init__(self, table: TableClient, *, timeout_seconds: float) -> None:
        """Take a client that is ready to use."""
        self._table = table
        self._timeout_seconds = timeout_seconds

    @classmethod
    def connect(
        cls,
        connection: Secret | None,
        url: str,
        credential: AsyncTokenCredential,
        *,
        timeout_seconds: float,
    ) -> Self:
        """Open the table by connection string, or by its service's URL and an identity."""
        # One repeat without a wait: the SDK's own, with back-off, outlast any caller.
        limits: dict[str, Any] = {
            "retry_total": 1,
            "retry_backoff_factor": 0,
            "connection_timeout": timeout_seconds,
            "read_timeout": timeout_seconds,
        }
        if connection is None:
            table = TableClient(url, TABLE_NAME, credential=credential, **limits)
            return cls(table, timeout_seconds=timeout_seconds)
        try:
            text = connection.reveal()
            table = TableClient.from_connection_string(text, TABLE_NAME, **limits)
        except ValueError as error:
            raise ConfigurationError(["AzureWebJobsStorage is not a connection string"]) from error
        return cls(table, timeout_seconds=timeout_seconds)

    async def insert(self, session: Session) -> None:
        """Record a new session with its alarm."""
        create = TransactionOperation.CREATE
        await self._commit([(create, session_row(session)), (create, alarm_row(session))])

    async def load(self, session_id: str) -> Session | None:
        """Read a session."""
        read = self._table.get_entity(shard_of(session_id), session_key(session_id))
        try:
            entity = await self._within_time(read)
            return session_from_row(entity, str(entity.metadata["etag"]))
        except _BROKEN as error:
            if isinstance(error, ResourceNotFoundError) and not _lacks_table(error):
                return None
            raise StoreUnavailableError(_cause(error)) from error

    async def replace(self, before: Session, after: Session) -> Session:
        """Change a session and, if it moves, its alarm."""
        update: _Operation = (
            TransactionOperation.UPDATE,
            session_row(after),
            {"mode": UpdateMode.REPLACE, **_unchanged(before)},
        )
        # Two operations on one row key are refused, so an alarm that stays must not be touched:
        # https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
        moves = alarm_key(before) != alarm_key(after)
        results = await self._commit([update, *(_alarm_moves(before, after) if moves else ())])
        return replace(after, version=results[0]["etag"])

    async def purge(self, session: Session) -> None:
        """Remove a session and its alarm."""
        delete = TransactionOperation.DELETE
        row: Row = {"PartitionKey": shard_of(session.session_id)}
        await self._commit(
            [
                (delete, {**row, "RowKey": session_key(session.session_id)}, _unchanged(session)),
                (delete, {**row, "RowKey": alarm_key(session)}),
            ]
        )

    async def due(self, shard: str, now: datetime) -> AsyncIterator[Alarm]:
        """List the alarms that have rung, the oldest first."""
        first, last = due_keys(now)
        pages = self._table.query_entities(
            "PartitionKey eq @shard and RowKey ge @first and RowKey lt @last",
            parameters={"shard": shard, "first": first, "last": last},
            select=["RowKey"],
        ).by_page()
        while (keys := await self._next_page(pages)) is not None:
            for key in keys:
                yield Alarm(session_id=session_id_of_alarm(key), row_key=key)

    async def close(self) -> None:
        """Close the client."""
        await self._table.close()

    async def _commit(self, operations: Sequence[_Operation]) -> Sequence[Mapping[str, Any]]:
        try:
            return await self._within_time(self._table.submit_transaction(operations))
        except _BROKEN as error:
            if _is_lost_race(error):
                raise StoreConflictError(_cause(error)) from error
            raise StoreUnavailableError(_cause(error)) from error

    async def _next_page(
        self, pages: AsyncIterator[AsyncIterator[Mapping[str, Any]]]
    ) -> list[str] | None:
        try:
            return await self._within_time(_keys_of(pages))
        except _BROKEN as error:
            raise StoreUnavailableError(_cause(error)) from error

    async def _within_time[T](self, call: Awaitable[T]) -> T:
        async with asyncio.timeout(self._timeout_seconds):
            return await call


async def _keys_of(pages: AsyncIterator[AsyncIterator[Mapping[str, Any]]]) -> list[str] | None:
    # StopAsyncIteration may not leave a coroutine, so the end is told by None.
    page = await anext(pages, None)
    return None if page is None else [row["RowKey"] async for row in page]


def _alarm_moves(before: Session, after: Session) -> tuple[_Operation, _Operation]:
    gone: Row = {"PartitionKey": shard_of(before.session_id), "RowKey": alarm_key(before)}
    return (TransactionOperation.DELETE, gone), (TransactionOperation.CREATE, alarm_row(after))


def _unchanged(session: Session) -> dict[str, Any]:
    return {"etag": session.version, "match_condition": MatchConditions.IfNotModified}


def _is_lost_race(error: Exception) -> bool:
    if not isinstance(error, HttpResponseError) or _lacks_table(error):
        return False
    return error.status_code in _RACE_STATUSES


def _lacks_table(error: HttpResponseError) -> bool:
    return getattr(error, "error_code", None) == TableErrorCode.TABLE_NOT_FOUND


def _cause(error: Exception) -> str:
    code = getattr(error, "error_code", None) or getattr(error, "status_code", None)
    return f"{type(error).__name__} {code or ''}".rstrip()
