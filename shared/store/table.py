"""One Storage table: reads and transactions, their time limit, and what their failures mean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableEntity, TableErrorCode, TransactionOperation, UpdateMode
from azure.data.tables.aio import TableClient

from shared.azure_errors import CLIENT_ERRORS, describe
from shared.azure_http import open_transport
from shared.errors import ConfigurationError, StoreConflictError, StoreUnavailableError
from shared.secret import Secret
from shared.store.columns import Row

type Operation = tuple[TransactionOperation, Row] | tuple[TransactionOperation, Row, dict[str, Any]]

type _Pages = AsyncIterator[AsyncIterator[TableEntity]]

# There already, changed since: somebody else wrote first.
_RACE_STATUSES = {409, 412}
_NO_ROW_CODES = {TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND}


class StorageTable:
    """A table whose rows change in transactions, each within one partition."""

    def __init__(self, client: TableClient, *, timeout_seconds: float) -> None:
        """Take a client that is ready to use."""
        self._client = client
        self._timeout_seconds = timeout_seconds

    @classmethod
    def connect(
        cls, url: str, credential: AsyncTokenCredential, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open a table by its service's URL, as an identity."""
        client = TableClient(url, name, credential=credential, **_limits(timeout_seconds))
        return cls(client, timeout_seconds=timeout_seconds)

    @classmethod
    def from_connection_string(
        cls, connection: Secret, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open a table by a connection string, which holds the account's key."""
        try:
            client = TableClient.from_connection_string(
                connection.reveal(), name, **_limits(timeout_seconds)
            )
        except ValueError as error:
            raise ConfigurationError(["AzureWebJobsStorage is not a connection string"]) from error
        return cls(client, timeout_seconds=timeout_seconds)

    async def read(self, partition: str, key: str) -> tuple[Row, str] | None:
        """Read a row and its version."""
        try:
            row = await self._await_in_time(self._client.get_entity(partition, key))
            return dict(row), str(row.metadata["etag"])
        except CLIENT_ERRORS as error:
            if _lacks_row(error):
                return None
            raise StoreUnavailableError(describe(error)) from error

    async def commit(self, operations: Sequence[Operation]) -> list[str]:
        """Do all of it or none, and return the rows' new versions."""
        try:
            done = await self._await_in_time(self._client.submit_transaction(operations))
            return [str(result.get("etag")) for result in done]
        except CLIENT_ERRORS as error:
            if _is_lost_race(error):
                raise StoreConflictError(describe(error)) from error
            raise StoreUnavailableError(describe(error)) from error

    async def list_keys(self, partition: str, first: str, last: str, *, limit: int) -> list[str]:
        """List the first keys of a range, from the first, up to but without the last."""
        pages = self._query(partition, first, last, select=["RowKey"])
        keys: list[str] = []
        while len(keys) < limit and (page := await self._read_page(pages)) is not None:
            keys += [str(row["RowKey"]) for row, _ in page]
        return keys[:limit]

    async def list_rows(self, partition: str, first: str, last: str) -> list[tuple[Row, str]]:
        """List all rows of a range with their versions, in the order of their keys."""
        pages = self._query(partition, first, last)
        rows: list[tuple[Row, str]] = []
        while (page := await self._read_page(pages)) is not None:
            rows += page
        return rows

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    def _query(self, partition: str, first: str, last: str, **options: Any) -> _Pages:  # noqa: ANN401
        return self._client.query_entities(
            "PartitionKey eq @shard and RowKey ge @first and RowKey lt @last",
            parameters={"shard": partition, "first": first, "last": last},
            **options,
        ).by_page()

    async def _read_page(self, pages: _Pages) -> list[tuple[Row, str]] | None:
        try:
            return await self._await_in_time(_list_page(pages))
        except CLIENT_ERRORS as error:
            raise StoreUnavailableError(describe(error)) from error

    async def _await_in_time[T](self, call: Awaitable[T]) -> T:
        async with asyncio.timeout(self._timeout_seconds):
            return await call


def _limits(timeout_seconds: float) -> dict[str, Any]:
    # One repeat without a wait: the SDK's own, with back-off, outlast any caller.
    return {
        "retry_total": 1,
        "retry_backoff_factor": 0,
        "transport": open_transport(timeout_seconds),
    }


def insert_op(row: Row) -> Operation:
    """Add a row that must not be there."""
    return TransactionOperation.CREATE, row


def replace_op(row: Row, version: str) -> Operation:
    """Write a row anew that must be as it was read."""
    return TransactionOperation.UPDATE, row, {"mode": UpdateMode.REPLACE, **_if_unchanged(version)}


def upsert_op(row: Row) -> Operation:
    """Write a row anew, whatever is there."""
    return TransactionOperation.UPSERT, row, {"mode": UpdateMode.REPLACE}


def merge_op(row: Row) -> Operation:
    """Write some columns of a row that must be there, whatever it holds."""
    return TransactionOperation.UPDATE, row, {"mode": UpdateMode.MERGE}


def delete_op(row: Row, version: str | None = None) -> Operation:
    """Remove a row that must be there, and, if a version is given, be as it was read."""
    keys: Row = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}
    if version is None:
        return TransactionOperation.DELETE, keys
    return TransactionOperation.DELETE, keys, _if_unchanged(version)


def _if_unchanged(version: str) -> dict[str, Any]:
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


async def _list_page(pages: _Pages) -> list[tuple[Row, str]] | None:
    # StopAsyncIteration may not leave a coroutine, so the end is told by None.
    page = await anext(pages, None)
    if page is None:
        return None
    return [(dict(row), str(row.metadata.get("etag"))) async for row in page]


def _is_lost_race(error: Exception) -> bool:
    if not isinstance(error, HttpResponseError):
        return False
    return error.status_code in _RACE_STATUSES or _lacks_row(error)


def _lacks_row(error: Exception) -> bool:
    # Any other 404 is no word of the table on the row: the table itself is not there, or a gateway
    # has answered in its place.
    return getattr(error, "error_code", None) in _NO_ROW_CODES
