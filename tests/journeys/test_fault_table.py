"""Every outside call times every fault: what the caller sees, what is stored, what follows."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from local.azure.certificate import Certificate
from local.ports import Ports
from local.stack.stack import Stack
from shared.session.shard import shard_of_person
from tests.conftest import Configure
from tests.support import fault_table
from tests.support.constants import STALE_SECONDS
from tests.support.fault_proxy import Door, Fault, FaultProxy
from tests.support.fault_table import NO_SECRET, OPEN_CREATE, OPEN_GET, STATES, Row
from tests.support.rows import alarm_key_of
from tests.support.world import Answer, Check, World, check_of, eventually

# Longer than any machine takes: no call may be late by itself.
_PATIENT = {
    "FACE_TIMEOUT_SECONDS": "30",
    "FACE_BUDGET_SECONDS": "30",
    "KEY_TIMEOUT_SECONDS": "30",
    "STORE_TIMEOUT_SECONDS": "30",
}
# For faults that end as a time-out ends, so that it makes no difference which of the two it was.
_IMPATIENT = {
    "face": {"FACE_TIMEOUT_SECONDS": "0.5", "FACE_BUDGET_SECONDS": "1"},
    "vault": {"KEY_TIMEOUT_SECONDS": "0.5"},
    "identity": {"KEY_TIMEOUT_SECONDS": "0.5"},
    "table": {"STORE_TIMEOUT_SECONDS": "0.5"},
    "queue": {"STORE_TIMEOUT_SECONDS": "0.5"},
}
# The get that comes before it has to be in time.
_IMPATIENT_DELETE = {"FACE_TIMEOUT_SECONDS": "3"}

type Proxies = Mapping[str, FaultProxy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which calls a fault befalls, and which one must be through before a door is shut."""

    service: str
    method: str
    first: str | None = None


PLACES = {
    "Face create": Place(service="face", method="POST"),
    "Face get": Place(service="face", method="GET"),
    "Face delete": Place(service="face", method="DELETE", first="GET"),
    "vault": Place(service="vault", method="GET"),
    "identity": Place(service="identity", method="GET"),
    "table read": Place(service="table", method="GET"),
    "table transaction": Place(service="table", method="POST", first="GET"),
    "queue send": Place(service="queue", method="POST"),
}


@dataclass(slots=True, kw_only=True)
class Story:
    """One person's check, from its start to its right ending."""

    world: World
    person: str = field(default_factory=lambda: secrets.token_hex(8))
    known: Check | None = None
    digest: str | None = None

    @property
    def check(self) -> Check:
        assert self.known is not None
        return self.known

    async def call(self, route: str) -> Answer:
        """Create or complete, as this person's server or frontend does."""
        if route == "complete":
            return await self.world.complete(self.check, {"digest": self.digest})
        person = {"deviceCorrelationId": "a-phone", "userCorrelationId": self.person}
        answer = await self.world.create(json=person)
        self.known = check_of(answer) if answer.status == 201 else None
        return answer

    async def play(self, outcome: str = "realface") -> None:
        """Play the device."""
        told = await self.world.play(self.check, outcome)
        self.digest = told.get("digest", self.digest)

    async def begins(self, route: str) -> None:
        """Come to where the route is called."""
        if route == "complete":
            await self.call("create")
            await self.play()

    async def stored(self) -> str:
        """Say what the table has of this person; a session has its one alarm at every moment."""
        person = self.world.sealer.hash_person("user", self.person)
        shard = shard_of_person(person)
        rows = [row async for row in self.world.table.query_entities(f"PartitionKey eq '{shard}'")]
        mine = [row for row in rows if row.get("person") == person]
        if not mine:
            return fault_table.NOTHING
        (row,) = mine
        session_id = row["RowKey"].removeprefix("session-")
        alarms = [key for key in (row["RowKey"] for row in rows) if key.startswith("alarm-")]
        assert [key for key in alarms if session_id in key] == [alarm_key_of(row)]
        is_left = row["status"] not in {"started", "processing"} and row["atFace"]
        return f"`{row['status']}`" + ", not deleted at Face" * is_left

    async def comes_to(self, row: Row) -> None:
        """Let happen what comes before the call that the fault befalls."""
        if row.route == "complete":
            await self.call("create")
            await self.play("running" if row.call == "queue send" else "realface")

    async def goes_on_from(self, row: Row) -> None:
        """Let happen what follows when the fault is over."""
        if row.call == "queue send":
            await self.play()
        if row.route == "complete":
            assert await self.world.messages() == (row.line.then == fault_table.QUEUE)
        if row.line.then == fault_table.QUEUE:
            await self.is_recorded_by_the_queue()
        await self.goes_on(row.line.then)

    async def goes_on(self, then: str) -> None:
        """Let happen what the table says; without anybody's call, unless it says so."""
        match then:
            case fault_table.AGAIN | fault_table.ORPHAN:
                assert (await self.call("create")).status == 201
                await self.world.cancel(self.check)
            case fault_table.GOES_ON:
                await self.play()
                assert (await self.call("complete")).status == 200

    async def is_recorded_by_the_queue(self) -> None:
        """Deliver the message now, and wait until the result is recorded."""
        await self.world.wait(2)
        await self.world.send(self.check.session_id)
        await eventually(self._status, "completed")

    async def ends(self, then: str) -> None:
        """Let time pass and the sweep come by: Face's verdict, one alarm, and nothing at Face."""
        if then in {fault_table.AGAIN, fault_table.ORPHAN}:
            return
        await self.world.wait(STALE_SECONDS)
        await self.world.sweep()
        ending = await self.world.verdict(self.check)
        assert ending in (("completed", "passed", []), ("abandoned", None, []))
        assert await self.stored() == f"`{ending[0]}`"
        row = await self.world.row(self.check)
        assert (row["faceSessionId"] in await self.world.at_face()) == (then == fault_table.GONE)

    async def _status(self) -> str:
        return str((await self.world.row(self.check))["status"])


def seen(answer: Answer) -> str:
    """Say in the table's words what the caller sees; whoever shall come back is told when."""
    if not answer.text:
        return f"{answer.status}, empty"
    if answer.status == 201:
        return "201"
    after = answer.headers.get("Retry-After")
    assert after is not None or answer.status not in {202, 503}
    word = answer.body["status"] if answer.status < 300 else answer.code
    when = "" if after in {None, "5"} or answer.status == 202 else f", `Retry-After: {after}`"
    return f"{answer.status} `{word}`{when}"


def rows_of(*calls: str) -> list[Any]:
    return [
        pytest.param(row, id=f"{row.call} of {row.route}: {row.fault}")
        for row in fault_table.every_row()
        if row.call in calls
    ]


@pytest_asyncio.fixture(scope="module")
async def proxies(stack: Stack) -> AsyncIterator[Proxies]:
    """Stand before everything that the app itself calls."""
    ports, free = stack.ports, Ports.free()
    tls = Certificate(stack.state).server_context()
    vault = Door(port=ports.vault, tls=tls)
    planned = {
        "face": FaultProxy.before(Door(port=ports.face), free.face, not_found="SessionNotFound"),
        "vault": FaultProxy.before(vault, free.vault, not_found="SecretNotFound"),
        "identity": FaultProxy.before(Door(port=ports.identity), free.identity, not_found="404"),
        "table": FaultProxy.before(Door(port=ports.table), free.table, not_found="TableNotFound"),
        "queue": FaultProxy.before(Door(port=ports.queue), free.queue, not_found="QueueNotFound"),
    }
    async with AsyncExitStack() as exits:
        yield {name: await exits.enter_async_context(proxy) for name, proxy in planned.items()}


@pytest_asyncio.fixture
async def behind(stack: Stack, proxies: Proxies, configure: Configure) -> Proxies:
    """Build the app anew, behind the proxies and with much patience."""
    ports = stack.ports
    storage = _moved("AzureWebJobsStorage", ports.table, proxies["table"].port)
    moved = {
        "FACE_ENDPOINT": (ports.face, proxies["face"].port),
        "KEY_VAULT_URL": (ports.vault, proxies["vault"].port),
        "IDENTITY_ENDPOINT": (ports.identity, proxies["identity"].port),
    }
    await configure(
        **_PATIENT,
        **{name: _moved(name, *both) for name, both in moved.items()},
        AzureWebJobsStorage=storage.replace(f":{ports.queue}/", f":{proxies['queue'].port}/"),
    )
    return proxies


@pytest.mark.parametrize("row", rows_of(*PLACES))
async def test_a_fault_comes_to_what_the_table_says_and_never_to_an_outcome(
    world: World, behind: Proxies, configure: Configure, row: Row
) -> None:
    place, story, then = PLACES[row.call], Story(world=world), row.line.then
    await story.comes_to(row)
    limits = _limits(row)
    if limits or place.service in {"vault", "identity"}:
        # The app is built anew, so that it has no key.
        await configure(**limits)
    before = await world.at_face()

    behind[place.service].fail(place.method, row.fault, first=place.first)
    answer = await story.call(row.route)
    stored, made = await story.stored(), await world.at_face() - before
    await behind[place.service].clear_faults()

    assert (seen(answer), stored) == (row.line.seen, row.line.stored)
    assert len(made) == (then in {fault_table.GOES_ON, fault_table.ORPHAN})
    # Built anew, the app leaves nothing alone for what has failed before.
    await configure(**_PATIENT)
    await story.goes_on_from(row)
    await story.ends(then)


@pytest.mark.parametrize(
    ("fault", "when"), [(Fault.BUSY, "after failures"), (Fault.FOREIGN_NOT_FOUND, "after refusals")]
)
async def test_an_open_breaker_answers_creates_at_once_and_lets_them_through_once_face_is_back(
    world: World, behind: Proxies, fault: Fault, when: str
) -> None:
    (state,) = (one for one in STATES if (one.what, one.when) == (OPEN_CREATE, when))
    story, face = Story(world=world), behind["face"]
    face.fail("POST", fault)
    answers = [await story.call("create") for _ in range(6)]
    await face.clear_faults()
    before = await world.face_calls()

    at_once = await story.call("create")

    assert {f"{at_once.status} `{one.code}`, at once" for one in (*answers, at_once)} == {
        state.seen
    }
    assert at_once.headers["Retry-After"] in {"1", "2"}
    assert await world.face_calls() == before
    assert await story.stored() == state.stored
    await eventually(lambda: _status_of_a_create(story), 201)


async def _status_of_a_create(story: Story) -> int:
    return (await story.call("create")).status


async def test_an_open_breaker_answers_completions_at_once_and_a_message_records_the_result(
    world: World, behind: Proxies
) -> None:
    (state,) = (one for one in STATES if one.what == OPEN_GET)
    stories = [Story(world=world) for _ in range(6)]
    for story in stories:
        await story.call("create")
        await story.play()
    behind["face"].fail("GET", Fault.FORBIDDEN)
    for story in stories[1:]:
        await story.call("complete")
    await behind["face"].clear_faults()
    before = await world.face_calls()

    at_once = await stories[0].call("complete")

    assert f"{seen(at_once)}, at once" == state.seen
    assert await world.face_calls() == before
    assert await stories[0].stored() == state.stored
    await eventually(stories[0]._status, "completed")


async def test_without_the_apps_secret_nobody_starts_and_who_has_started_ends(
    world: World, configure: Configure
) -> None:
    create, complete = (one for one in STATES if one.what == NO_SECRET)
    started, story = Story(world=world), Story(world=world)
    await started.call("create")
    await started.play()
    await configure(APP_SECRET_NAME="no-such-secret")

    assert (seen(await story.call("create")), await story.stored()) == (create.seen, create.stored)
    assert seen(await started.call("complete")) == complete.seen
    assert await started.stored() == complete.stored


@pytest.mark.parametrize(
    ("digest", "ending"),
    [
        pytest.param(None, ("completed", "passed", []), id="the right one is not missing"),
        pytest.param("0" * 64, ("completed", "untrusted", ["DigestMismatch"]), id="a wrong one"),
    ],
)
async def test_a_digest_that_the_table_would_not_take_counts_when_it_is_sent_again(
    world: World,
    behind: Proxies,
    configure: Configure,
    digest: str | None,
    ending: tuple[str, str, list[str]],
) -> None:
    await configure(DIGEST_POLICY="optional" if digest else "required")
    story = Story(world=world)
    await story.call("create")
    await story.play()
    story.digest = digest or story.digest

    behind["table"].fail("POST", Fault.BUSY)
    refused = await story.call("complete")
    await behind["table"].clear_faults()
    await eventually(world.messages, 0)
    again = await story.call("complete")

    assert (seen(refused), seen(again)) == (fault_table.STORE_UNAVAILABLE, "200 `completed`")
    assert await world.verdict(story.check) == ending


def test_the_table_has_every_fault_of_every_call_once() -> None:
    rows = [(row.call, row.route, row.fault) for row in fault_table.every_row()]

    assert {call for call, _ in fault_table.TABLE} == set(PLACES)
    assert len(rows) == len(set(rows)) == len(fault_table.TABLE) * len(Fault)


def _limits(row: Row) -> Mapping[str, str]:
    """Choose how long the app waits, if that is not long."""
    if row.call == "Face delete":
        return _IMPATIENT_DELETE if row.fault is Fault.TIME_OUT else {}
    ends_anyhow = row.line.faults is fault_table.OTHERS or row.fault is Fault.THROTTLED_FOR
    return _IMPATIENT[PLACES[row.call].service] if ends_anyhow else {}


def _moved(setting: str, port: int, to: int) -> str:
    return os.environ[setting].replace(f":{port}", f":{to}")
