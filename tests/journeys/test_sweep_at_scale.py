"""A sweep on a real table costs what is due, not what is stored, and Face is asked at a pace."""

import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from azure.core.pipeline import PipelineRequest
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

from shared import composition, settings
from shared.app import App
from shared.face.client import FaceClient
from shared.session.shard import SHARDS
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.builders import a_request
from tests.support.constants import STALE_SECONDS
from tests.support.final_records import store_final_records
from tests.support.world import World

LONG_AGO = "2020-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTable:
    """A table of a test's own, the app on it, and every HTTP request that the app's client sent."""

    world: World
    table: TableClient
    app: App
    sent: list[HttpRequest]

    async def start(self, *, outcome: str | None = None) -> str:
        """Start a session of somebody new, play the device, and return the session's id."""
        started = await self.app.start.start(a_request(user=secrets.token_hex(8)))
        if outcome:
            headers = {"Authorization": f"Bearer {started.auth_token.reveal()}"}
            await self.world.face("attempts", {"outcome": outcome}, headers=headers)
        return started.session.session_id

    async def sweep(self) -> list[HttpRequest]:
        """Run the timer's work and return what it sent to the table."""
        before = len(self.sent)
        await self.app.sweep.run()
        return self.sent[before:]

    async def status(self, session_id: str) -> object:
        row = await self.table.get_entity(session_id[0], f"session-{session_id}")
        return row["status"]


@pytest_asyncio.fixture
async def own(world: World) -> AsyncIterator[OwnTable]:
    storage, name = world.stack.settings["AzureWebJobsStorage"], f"Own{secrets.token_hex(8)}"
    sent: list[HttpRequest] = []

    def write_down(request: PipelineRequest[HttpRequest]) -> None:
        sent.append(request.http_request)

    async with (
        TableClient.from_connection_string(storage, name) as table,
        TableClient.from_connection_string(storage, name, raw_request_hook=write_down) as client,
    ):
        await table.create_table()
        store = TableSessionStore(StorageTable(client, timeout_seconds=20))
        app = composition.build(settings.load(), store=store, now=world.stack.clock.now)
        yield OwnTable(world=world, table=table, app=app, sent=sent)
        await app.close()
        await table.delete_table()


async def test_with_nothing_due_a_sweep_is_one_range_query_for_each_shard(own: OwnTable) -> None:
    await store_final_records(own.table, 1600, own.app.now())
    calls = await own.world.face_calls()

    requests = await own.sweep()

    queries = [parse_qs(urlsplit(request.url).query)["$filter"][0] for request in requests]
    shards = [re.search(r"PartitionKey eq '(.)'", query) for query in queries]
    assert [request.method for request in requests] == ["GET"] * len(SHARDS)
    assert sorted(found[1] for found in shards if found) == sorted(SHARDS)
    assert all("RowKey ge" in query and "RowKey lt" in query for query in queries)
    assert await own.world.face_calls() == calls


async def test_one_session_that_is_due_costs_the_same_among_many_as_alone(own: OwnTable) -> None:
    costs = []

    for stored in (0, 1000):
        await store_final_records(own.table, stored, own.app.now())
        session_id = await own.start(outcome="realface")
        await own.world.wait(STALE_SECONDS)
        costs.append(Counter(request.method for request in await own.sweep()))
        assert await own.status(session_id) == "completed"

    assert costs[0] == costs[1]


async def test_every_call_of_a_sweep_to_face_waits_for_its_turn(own: OwnTable) -> None:
    for number in range(6):
        await own.start(outcome="realface" if number % 2 else None)
    await own.world.wait(STALE_SECONDS)
    before, turns = len(await own.world.face_calls()), Counter[str]()

    async def turn(_rank: float) -> None:
        turns["taken"] += 1

    sweep = own.app.sweep
    assert isinstance(sweep.walk.face, FaceClient)
    await replace(sweep, walk=replace(sweep.walk, face=sweep.walk.face.with_rate_limit(turn))).run()

    assert turns["taken"] == len(await own.world.face_calls()) - before == 12


@pytest.mark.parametrize(
    "key",
    [f"alarm-{LONG_AGO}-open-{'5' * 33}", "alarm-0'; or '", "alarm-1 \u00e9\u4e16 "],
    ids=["of no session", "with quotes", "in other letters"],
)
async def test_an_orphaned_alarm_stops_nobody_and_is_taken_away(own: OwnTable, key: str) -> None:
    sound = await own.start(outcome="realface")
    await own.table.create_entity({"PartitionKey": "5", "RowKey": key})

    await own.world.wait(STALE_SECONDS)
    await own.sweep()

    assert await own.status(sound) == "completed"
    assert key not in [row["RowKey"] async for row in own.table.list_entities(select=["RowKey"])]
