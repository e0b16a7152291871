"""A table of a test's own, with as many processes on it as the test likes; all else is real."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from azure.data.tables.aio import TableClient

from shared import composition, settings
from shared.composition import App
from shared.errors import AppError
from shared.flow.ports import FaceGateway, SessionStore
from shared.flow.start import Started
from shared.secret import Secret
from shared.session.ids import SessionId
from shared.session.session import Report, Session
from shared.session.start_request import Mode, StartRequest
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.world import Check, World

type Row = dict[str, Any]

RETENTION_SECONDS = 90 * 86_400
STALE_SECONDS = 901


@dataclass
class RecordedEvents:
    """The facts that were logged."""

    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, /, **facts: object) -> None:
        self.facts.append((event, facts))

    def named(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.facts if name == event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A session as the one who started it knows it."""

    request: StartRequest
    key: str | None
    started: Started

    @property
    def session(self) -> Session:
        return self.started.session

    @property
    def session_id(self) -> SessionId:
        return self.started.session.session_id

    @property
    def token(self) -> Secret:
        return self.started.session_token

    @property
    def check(self) -> Check:
        """Tell the world of it, so that the device can play."""
        return Check(
            session_id=self.session_id,
            auth_token=self.started.auth_token.reveal(),
            session_token=self.token.reveal(),
            started=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One table, the world around it, and what was logged."""

    world: World
    table: TableClient
    notes: RecordedEvents = field(default_factory=RecordedEvents)
    _opened: list[App] = field(default_factory=list)

    def process(self) -> App:
        """Build the app anew, as a fresh process would, on this table."""
        built = composition.build(settings.load(), now=self.now, log=self.notes)
        self._opened.append(built)
        store = TableSessionStore(StorageTable(self.table, timeout_seconds=20))
        return self.rewired(built, store=store)

    def rewired(
        self, app: App, *, store: SessionStore | None = None, face: FaceGateway | None = None
    ) -> App:
        """Return the app with other things outside."""
        store = store or app.flow.store
        slow_face, face = face or app.sweep.walk.face, face or app.flow.face
        flow = replace(app.flow, face=face, store=store, log=self.notes)
        walk = replace(app.sweep.walk, face=slow_face, store=store, log=self.notes)
        return replace(
            app,
            start=replace(app.start, face=face, store=store, log=self.notes),
            flow=flow,
            sweep=replace(app.sweep, walk=walk, store=store, log=self.notes),
        )

    async def case(self, app: App, key: str | None = None) -> Case:
        """Start a session of somebody new."""
        request = a_request()
        return Case(request=request, key=key, started=await app.start.start(request, key))

    async def reported_while_running(self, app: App) -> Case:
        """Start a session whose completion was reported before there was a result."""
        case = await self.case(app)
        await self.world.play(case.check, "running")
        await app.flow.complete(case.session_id, case.token, Report(), lambda _: None)
        return case

    async def play(self, case: Case, outcome: str = "realface") -> None:
        await self.world.play(case.check, outcome)

    async def rows(self) -> list[Row]:
        return [dict(row) async for row in self.table.list_entities()]

    async def row(self, session_id: str) -> Row:
        return dict(await self.table.get_entity(session_id[0], f"session-{session_id}"))

    async def ending(self, session_id: str) -> tuple[str, str | None]:
        """Return status and outcome."""
        row = await self.row(session_id)
        return row["status"], row.get("outcome")

    async def sweep_after(self, app: App, *waits: float) -> None:
        """Let time pass and run the timer's work, as often as there are waits."""
        for seconds in waits:
            await self.world.wait(seconds)
            await app.sweep.run()

    def now(self) -> datetime:
        return self.world.stack.clock.now()

    async def close(self) -> None:
        for app in self._opened:
            await app.close()


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[Stage]:
    """Make the table, and take it away again."""
    storage = world.stack.settings["AzureWebJobsStorage"]
    name = f"Stage{secrets.token_hex(8)}"
    async with TableClient.from_connection_string(storage, name) as table:
        await table.create_table()
        stage = Stage(world=world, table=table)
        yield stage
        await stage.close()
        await table.delete_table()


def a_request(user: str | None = None) -> StartRequest:
    """Ask for a check of somebody, by default of somebody new."""
    return StartRequest(
        mode=Mode.PASSIVE_ACTIVE,
        token_seconds=600,
        device_correlation_id="phone-1",
        user_correlation_id=user or secrets.token_hex(8),
    )


def sessions_of(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["RowKey"].startswith("session-")]


def faults_in(rows: Iterable[Row]) -> list[str]:
    """Say what the table may never be: alarms and counts that do not fit the sessions."""
    rows = list(rows)
    expected = Counter[str]()
    open_sessions = Counter[str]()
    for row in sessions_of(rows):
        expected[f"alarm-{row['alarmAt']}-{row['RowKey'].removeprefix('session-')}"] += 1
        if row["status"] in {"started", "processing"}:
            open_sessions[row["personSha256"]] += 1
    for row in rows:
        if row["RowKey"].startswith("key-"):
            expected[f"alarm-{row['endsAt']}-{row['RowKey']}"] += 1
    alarms = Counter(row["RowKey"] for row in rows if row["RowKey"].startswith("alarm-"))
    counted = Counter(
        {
            row["RowKey"].removeprefix("person-"): row["openSessions"]
            for row in rows
            if row["RowKey"].startswith("person-")
        }
    )
    return [
        *(f"missing {key}" for key in expected - alarms),
        *(f"stray {key}" for key in alarms - expected),
        *(f"person {person} is counted too low" for person in open_sessions - counted),
        *(f"person {person} is counted too high" for person in counted - open_sessions),
    ]


def all_clean(row: Row) -> bool:
    """Tell whether a row is final, Face has nothing of it, and its alarm is the purge."""
    ended = datetime.fromisoformat(row["endedAt"])
    alarm = datetime.fromisoformat(row["alarmAt"])
    return row["atFace"] is False and (alarm - ended).total_seconds() == RETENTION_SECONDS


class Crash(BaseException):
    """The process ends here, as by SIGKILL: nothing in the app may catch it."""


type Cut = Callable[[str], BaseException | None]


class Wire:
    """Runs between a flow and what is outside; a call is carried out, and then may be cut."""

    def __init__(self, after: int = 0, cut: Cut = lambda _: None) -> None:
        self.calls: list[str] = []
        self.was_cut = False
        self._after = after
        self._cut = cut

    def around[T](self, part: T) -> T:
        return cast("T", _Wired(part, self))

    async def carry[T](self, name: str, call: Awaitable[T]) -> T:
        self.calls.append(name)
        number = len(self.calls)
        try:
            return await call
        finally:
            trouble = self._cut(name) if number == self._after else None
            if trouble is not None:
                self.was_cut = True
                raise trouble


class _Wired:
    def __init__(self, part: object, wire: Wire) -> None:
        self._part = part
        self._wire = wire

    def __getattr__(self, name: str) -> object:
        method = getattr(self._part, name)

        async def carried(*arguments: object, **options: object) -> object:
            return await self._wire.carry(name, method(*arguments, **options))

        return method if name == "list_due" else carried


def wired(stage: Stage, app: App, wire: Wire) -> App:
    """Put a wire between the app and Face, and between it and the table."""
    return stage.rewired(app, store=wire.around(app.flow.store), face=wire.around(app.flow.face))


async def until_cut(flow: Awaitable[object]) -> BaseException | None:
    """Run a flow; whatever it ends with belongs to the test."""
    try:
        await flow
    except (Crash, AppError) as end:
        return end
    return None
