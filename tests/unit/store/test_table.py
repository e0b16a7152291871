import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, cast

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.data.tables import TableErrorCode, TransactionOperation, UpdateMode
from azure.identity.aio import DefaultAzureCredential

from shared.errors import ConfigurationError, StoreConflictError, StoreUnavailableError
from shared.secret import Secret
from shared.store.columns import Row
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable, delete_op, insert_op, merge_op, replace_op

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

ETAG = 'W/"1"'
ROW: Row = {"PartitionKey": "5", "RowKey": "row", "count": 1}
KEYS = {"PartitionKey": "5", "RowKey": "row"}


class Entity(dict[str, object]):
    """A row as the SDK hands it over."""

    metadata: Mapping[str, str] = {"etag": ETAG}


class Pages:
    """Pages of rows as the SDK hands them over; an error is a page that cannot be had."""

    def __init__(self, pages: Sequence[Sequence[str] | Exception], *, silent: bool) -> None:
        self._pages = pages
        self._silent = silent

    async def by_page(self) -> AsyncIterator[AsyncIterator["Entity"]]:
        for page in self._pages:
            if self._silent:
                await asyncio.Event().wait()
            if isinstance(page, Exception):
                raise page
            yield self._rows(page)

    async def _rows(self, page: Sequence[str]) -> AsyncIterator["Entity"]:
        for key in page:
            yield Entity(RowKey=key)


@dataclass
class FakeClient:
    """The SDK's client as far as the table uses it."""

    entity: object = None
    pages: Sequence[Sequence[str] | Exception] = ()
    troubles: deque[Exception] = field(default_factory=deque)
    silent: bool = False
    selected: list[str] | None = None
    transactions: list[Sequence[Any]] = field(default_factory=list)
    queries: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def get_entity(self, partition: str, row: str) -> object:
        await self._enter()
        assert (partition, row) == ("5", "row")
        return self.entity

    async def submit_transaction(self, operations: Sequence[Any]) -> list[dict[str, str]]:
        await self._enter()
        self.transactions.append(operations)
        return [{"etag": f'W/"{number}"'} for number, _ in enumerate(operations)]

    def query_entities(
        self, query: str, *, parameters: Mapping[str, str], select: list[str] | None = None
    ) -> Pages:
        self.selected = select
        self.queries.append((query, parameters))
        return Pages(self.pages, silent=self.silent)

    async def _enter(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.troubles:
            raise self.troubles.popleft()


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def table(client: FakeClient) -> StorageTable:
    return StorageTable(cast("TableClient", client), timeout_seconds=60)


async def listed(table: StorageTable) -> list[str]:
    return await table.list_keys("5", "a", "d", limit=3)


def named(error: HttpResponseError, status: int, code: str | None = None) -> HttpResponseError:
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


LOST = [
    pytest.param(named(ResourceNotFoundError(), 404, "ResourceNotFound"), id="gone"),
    pytest.param(named(ResourceExistsError(), 409, "EntityAlreadyExists"), id="there-already"),
    pytest.param(named(ResourceModifiedError(), 412), id="changed-since"),
]
DOWN = [
    pytest.param(
        named(ResourceNotFoundError(), 404, TableErrorCode.TABLE_NOT_FOUND), id="no-table"
    ),
    pytest.param(named(ResourceNotFoundError(), 404), id="a-gateways-404"),
    pytest.param(named(ClientAuthenticationError(), 403), id="not-allowed"),
    pytest.param(named(HttpResponseError(), 400, "InvalidDuplicateRow"), id="a-row-twice"),
    pytest.param(named(HttpResponseError(), 503), id="busy"),
    pytest.param(named(HttpResponseError(), 429), id="throttling"),
    pytest.param(ServiceRequestError("no route"), id="no-route"),
    pytest.param(TimeoutError(), id="timeout"),
    pytest.param(ConnectionResetError(), id="reset"),
    pytest.param(IncompleteRead(b""), id="cut-short"),
    pytest.param(ValueError("no json"), id="nonsense"),
]


async def test_a_row_is_read_with_its_version(table: StorageTable, client: FakeClient) -> None:
    client.entity = Entity(ROW)

    assert await table.read("5", "row") == (ROW, ETAG)


async def test_a_row_that_is_not_there_is_none(table: StorageTable, client: FakeClient) -> None:
    client.troubles.append(named(ResourceNotFoundError(), 404, "ResourceNotFound"))

    assert await table.read("5", "row") is None


@pytest.mark.parametrize("trouble", DOWN)
async def test_a_table_that_cannot_be_read_is_unavailable(
    trouble: Exception, table: StorageTable, client: FakeClient
) -> None:
    client.troubles.append(trouble)

    with pytest.raises(StoreUnavailableError, match=type(trouble).__name__):
        await table.read("5", "row")


async def test_an_answer_that_is_no_row_is_unavailable(
    table: StorageTable, client: FakeClient
) -> None:
    client.entity = None

    with pytest.raises(StoreUnavailableError, match="TypeError"):
        await table.read("5", "row")


async def test_a_transaction_returns_the_new_versions(
    table: StorageTable, client: FakeClient
) -> None:
    operations = [insert_op(ROW), delete_op(ROW)]

    assert await table.commit(operations) == ['W/"0"', 'W/"1"']
    assert client.transactions == [operations]


def test_operations_say_what_must_be_so() -> None:
    unchanged = {"etag": ETAG, "match_condition": MatchConditions.IfNotModified}

    assert insert_op(ROW) == (TransactionOperation.CREATE, ROW)
    assert replace_op(ROW, ETAG) == (
        TransactionOperation.UPDATE,
        ROW,
        {"mode": UpdateMode.REPLACE, **unchanged},
    )
    assert merge_op(ROW) == (
        TransactionOperation.UPDATE,
        ROW,
        {"mode": UpdateMode.MERGE},
    )
    assert delete_op(ROW) == (TransactionOperation.DELETE, KEYS)
    assert delete_op(ROW, ETAG) == (TransactionOperation.DELETE, KEYS, unchanged)


@pytest.mark.parametrize("trouble", LOST)
async def test_who_writes_second_learns_of_it(
    trouble: Exception, table: StorageTable, client: FakeClient
) -> None:
    client.troubles.append(trouble)

    with pytest.raises(StoreConflictError):
        await table.commit([insert_op(ROW)])


@pytest.mark.parametrize("trouble", DOWN)
async def test_a_table_that_cannot_be_written_is_unavailable(
    trouble: Exception, table: StorageTable, client: FakeClient
) -> None:
    client.troubles.append(trouble)

    with pytest.raises(StoreUnavailableError, match=type(trouble).__name__):
        await table.commit([insert_op(ROW)])


async def test_a_silent_table_is_not_waited_for() -> None:
    silent = FakeClient(silent=True, pages=[["a"]])
    table = StorageTable(cast("TableClient", silent), timeout_seconds=0.01)

    for call in (table.read("5", "row"), table.commit([insert_op(ROW)]), listed(table)):
        with pytest.raises(StoreUnavailableError, match="TimeoutError"):
            await call


async def test_keys_are_listed_page_by_page(table: StorageTable, client: FakeClient) -> None:
    client.pages = [["a", "b"], [], ["c"]]

    assert await listed(table) == ["a", "b", "c"]
    ((query, parameters),) = client.queries
    assert query == "PartitionKey eq @shard and RowKey ge @first and RowKey lt @last"
    assert tuple(parameters.values()) == ("5", "a", "d")
    assert client.selected == ["RowKey"]


async def test_rows_of_a_range_are_listed_with_their_versions_to_the_last_page(
    table: StorageTable, client: FakeClient
) -> None:
    client.pages = [["a", "b"], [], ["c"]]

    rows = await table.list_rows("5", "a", "d")

    assert rows == [({"RowKey": key}, ETAG) for key in "abc"]
    assert client.selected is None


async def test_no_more_pages_are_read_than_are_asked_for(
    table: StorageTable, client: FakeClient
) -> None:
    client.pages = [["a", "b"], ["c", "d"], TimeoutError()]

    assert await listed(table) == ["a", "b", "c"]


@pytest.mark.parametrize("trouble", DOWN)
async def test_a_page_that_cannot_be_had_is_unavailable(
    trouble: Exception, table: StorageTable, client: FakeClient
) -> None:
    client.pages = [["a"], trouble]

    with pytest.raises(StoreUnavailableError):
        await listed(table)


@pytest.mark.parametrize("connection", ["nonsense", "AccountName=x", "a=b;c=d"])
async def test_a_connection_string_that_is_none_is_a_configuration_error(connection: str) -> None:
    with pytest.raises(ConfigurationError, match="AzureWebJobsStorage") as caught:
        TableSessionStore.from_connection_string(Secret(connection), timeout_seconds=1)

    assert connection not in str(caught.value)


async def test_the_table_is_opened_by_connection_string_or_by_identity() -> None:
    connection = Secret("DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==")
    url = "https://x.table.core.windows.net"
    by_key = TableSessionStore.from_connection_string(connection, timeout_seconds=1)
    by_identity = TableSessionStore.connect(url, DefaultAzureCredential(), timeout_seconds=1)

    for store in (by_key, by_identity):
        client = store._table._client
        assert (client.table_name, client.url) == ("LivenessSessions", url)
        await store.close()
