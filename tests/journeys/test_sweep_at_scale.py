"""A sweep costs what is due, not what is stored; it keeps its pace, its bounds and its time."""

import asyncio
import json
import re
import selectors
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from azure.core.pipeline import PipelineRequest
from azure.core.rest import HttpRequest
from azure.data.tables import TransactionOperation
from azure.data.tables.aio import TableClient

from shared.composition import App
from shared.errors import FaceUnavailableError
from shared.face.client import FaceClient
from shared.face.pace import Pace
from shared.flow.ports import FaceGateway, SessionStore
from shared.flow.sweep import MAX_RUN_SECONDS, Sweep
from shared.session.alarm import Alarm, SweepResult
from shared.session.face_answer import FaceAnswer
from shared.session.ids import FaceSessionId, SessionId
from shared.session.session import Kind
from shared.session.shard import SHARDS
from shared.session.timestamps import rfc3339
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.conftest import ROOT
from tests.support.final_records import store_final_records
from tests.support.stage import (
    RETENTION_SECONDS,
    STALE_SECONDS,
    Case,
    RecordedEvents,
    Stage,
    faults_in,
    staged,
)
from tests.support.world import World

PASSED = ("completed", "passed")
SUMMARY = {"due", "settled", "abandoned", "deleted", "purged", "failed", "oldest_seconds"}
LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest_asyncio.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    async with staged(world) as own:
        yield own


class TestWhatIsStoredCostsNothing:
    async def test_with_nothing_due_a_sweep_is_one_range_query_for_each_shard(
        self, stage: Stage
    ) -> None:
        await store_final_records(stage.table, 1600, stage.now())
        app, calls = stage.process(), await stage.world.face_calls()
        requests: list[tuple[str, str]] = []

        async with _watched(stage, requests) as store:
            await stage.rewired(app, store=store).sweep.run()

        queries = [parse_qs(urlsplit(url).query)["$filter"][0] for _, url in requests]
        shards = [re.search(r"PartitionKey eq '(.)'", query) for query in queries]
        assert [method for method, _ in requests] == ["GET"] * len(SHARDS)
        assert sorted(found[1] for found in shards if found) == sorted(SHARDS)
        assert all("RowKey ge" in query and "RowKey lt" in query for query in queries)
        assert await stage.world.face_calls() == calls

    async def test_one_session_that_is_due_costs_the_same_among_many_as_alone(
        self, stage: Stage
    ) -> None:
        app = stage.process()
        costs = []

        for stored in (0, 1000):
            await store_final_records(stage.table, stored, stage.now())
            case = await stage.case(app)
            await stage.play(case)
            await stage.world.wait(STALE_SECONDS)
            requests: list[tuple[str, str]] = []
            async with _watched(stage, requests) as store:
                await stage.rewired(app, store=store).sweep.run()
            costs.append(Counter(method for method, _ in requests))
            assert await stage.ending(case.session_id) == PASSED

        assert costs[0] == costs[1]


class TestPace:
    def test_no_second_has_more_turns_than_the_pace_allows(self) -> None:
        async def ask(pace: Pace, times: list[float]) -> None:
            for _ in range(10):
                await pace.acquire()
                times.append(asyncio.get_running_loop().time())

        async def run() -> list[float]:
            pace, times = Pace(5), list[float]()
            await asyncio.gather(*(ask(pace, times) for _ in range(8)))
            return times

        times = _in_no_time(run())

        assert len(times) == 80
        assert max(sum(start <= time < start + 1 for time in times) for start in times) <= 6
        assert times[-1] == pytest.approx(79 / 5)

    def test_turns_that_nobody_took_are_not_saved_up(self) -> None:
        async def run() -> list[float]:
            pace, times = Pace(5), list[float]()
            for pause in (0, 60, 0, 0):
                await asyncio.sleep(pause)
                await pace.acquire()
                times.append(asyncio.get_running_loop().time())
            return times

        assert _in_no_time(run()) == pytest.approx([0, 60, 60.2, 60.4])

    async def test_every_call_of_a_sweep_to_face_waits_for_its_turn(self, stage: Stage) -> None:
        app, turns = stage.process(), list[float]()
        for number in range(6):
            case = await stage.case(app)
            if number % 2:
                await stage.play(case)
        await stage.world.wait(STALE_SECONDS)
        before = len(await stage.world.face_calls())

        async def turn() -> None:
            turns.append(asyncio.get_running_loop().time())

        assert isinstance(app.flow.face, FaceClient)
        await stage.rewired(app, face=app.flow.face.with_rate_limit(turn)).sweep.run()

        assert len(turns) == len(await stage.world.face_calls()) - before == 12

    async def test_only_the_sweep_is_paced(self, stage: Stage) -> None:
        app = stage.process()

        assert _is_paced(app.sweep.walk.face)
        assert not _is_paced(app.flow.face)
        assert not _is_paced(app.start.face)


@dataclass
class Backlog:
    """Alarms without end, and a flow whose every ring takes a second."""

    waiting: dict[str, list[Alarm]]
    taken: int = 0
    rung: int = 0
    at_once: int = 0
    max_concurrency: int = 0
    max_held: int = 0

    @classmethod
    def of(cls, each_shard: int) -> "Backlog":
        return cls(
            waiting={
                shard: [
                    Alarm(
                        shard=shard,
                        session_id=SessionId(f"{shard}-{number}"),
                        row_key=f"alarm-{LONG_AGO}-{shard}-{number}",
                        due_at=datetime.fromisoformat(LONG_AGO),
                    )
                    for number in range(each_shard)
                ]
                for shard in SHARDS
            }
        )

    async def list_due(self, shard: str, _now: datetime) -> AsyncIterator[Alarm]:
        for alarm in list(self.waiting[shard]):
            self.taken += 1
            self.max_held = max(self.max_held, self.taken - self.rung)
            yield alarm

    async def handle_alarm(self, session_id: str, _alarm: Alarm | None = None) -> SweepResult:
        self.at_once += 1
        self.max_concurrency = max(self.max_concurrency, self.at_once)
        await asyncio.sleep(1)
        self.at_once -= 1
        self.rung += 1
        shard = session_id[0]
        self.waiting[shard] = [
            alarm for alarm in self.waiting[shard] if alarm.session_id != session_id
        ]
        return SweepResult.SETTLED

    @property
    def left(self) -> int:
        return sum(map(len, self.waiting.values()))

    def sweep(self, notes: RecordedEvents, *, seconds: float = MAX_RUN_SECONDS) -> Sweep:
        return Sweep(
            walk=self,  # type: ignore[arg-type] # only its ring is used
            store=cast("SessionStore", self),
            now=lambda: datetime.now(UTC),
            log=notes,
            max_run_seconds=seconds,
        )


@dataclass
class Rung:
    """A flow that only remembers what was rung."""

    session_ids: list[str] = field(default_factory=list)

    async def handle_alarm(self, session_id: str, _alarm: Alarm | None = None) -> SweepResult:
        self.session_ids.append(session_id)
        return SweepResult.SKIPPED


class TestBounds:
    def test_few_are_rung_at_once_and_few_are_held_however_many_are_due(self) -> None:
        backlog, notes = Backlog.of(100), RecordedEvents()

        _in_no_time(backlog.sweep(notes, seconds=10_000).run())

        assert (backlog.rung, backlog.left) == (1600, 0)
        assert backlog.max_concurrency <= 8
        # As many as work, as many as wait, and one in each finder's hand.
        assert backlog.max_held <= 8 + 8 + len(SHARDS)

    def test_a_sweep_ends_in_time_and_the_next_ones_take_up_what_is_left(self) -> None:
        backlog, notes, ends = Backlog.of(20), RecordedEvents(), list[float]()

        async def run() -> None:
            while backlog.left:
                began = asyncio.get_running_loop().time()
                await backlog.sweep(notes, seconds=10).run()
                ends.append(asyncio.get_running_loop().time() - began)

        _in_no_time(run())

        settled = [cast("int", facts["settled"]) for facts in notes.named("sweep ended")]
        assert max(ends) <= 10 + 1
        assert len(ends) == 4
        assert sum(settled) == backlog.rung == 320

    def test_no_shard_starves_while_the_backlog_lasts(self) -> None:
        backlog, notes = Backlog.of(100), RecordedEvents()

        _in_no_time(backlog.sweep(notes, seconds=10).run())

        assert backlog.left > 0
        assert all(len(waiting) < 100 for waiting in backlog.waiting.values())

    def test_a_sweep_ends_well_before_its_function_would_be_ended(self) -> None:
        host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
        hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
        timeout = timedelta(hours=hours, minutes=minutes, seconds=seconds)

        assert timeout.total_seconds() / 2 >= MAX_RUN_SECONDS

    async def test_what_a_sweep_had_no_time_for_is_untouched_and_done_by_the_next(
        self, stage: Stage
    ) -> None:
        app = stage.process()
        cases = [await stage.case(app) for _ in range(12)]
        await stage.world.wait(STALE_SECONDS)
        before = await stage.rows()

        await replace(app.sweep, max_run_seconds=0).run()
        untouched = await stage.rows() == before
        await app.sweep.run()

        assert untouched
        assert {await stage.ending(case.session_id) for case in cases} == {("abandoned", None)}

    async def test_more_than_a_page_in_one_shard_is_worked_off(self, stage: Stage) -> None:
        store, rung = stage.process().flow.store, Rung()
        keys = {f"alarm-{LONG_AGO}-7{number:032x}" for number in range(1100)}
        for some in batched(keys, 100, strict=False):
            await stage.table.submit_transaction(
                (TransactionOperation.CREATE, {"PartitionKey": "7", "RowKey": key}) for key in some
            )

        sweep = Sweep(
            walk=rung,  # type: ignore[arg-type] # only its ring is used
            store=store,
            now=stage.now,
            log=stage.notes,
        )
        await sweep.run()

        assert len(rung.session_ids) == 1100
        assert {f"alarm-{LONG_AGO}-{session_id}" for session_id in rung.session_ids} == keys


type Spoil = dict[str, object]
BAD_ROWS: dict[str, Spoil] = {
    "an unknown status": {"status": "nonsense"},
    "an unknown kind": {"kind": "iris"},
    "no Face session": {"faceSessionId": None},
    "a number that is text": {"alarmDelays": "three"},
    "a flag that is text": {"atFace": "no"},
    "a text that is a number": {"personSha256": 7},
    "a date that is none": {"createdAt": "yesterday"},
    "a date without a zone": {"expiresAt": "2026-03-04T05:06:07"},
    "a final status without an end": {"status": "canceled"},
    "a verdict without reasons": {"outcome": "passed"},
}


class TestBadRows:
    @pytest.mark.parametrize("spoil", BAD_ROWS.values(), ids=BAD_ROWS)
    async def test_a_bad_row_is_set_aside_longer_and_longer_and_settled_once_repaired(
        self, stage: Stage, spoil: Spoil
    ) -> None:
        app = stage.process()
        bad, sound = await stage.case(app), await stage.case(app)
        await stage.play(bad)
        await stage.play(sound)
        good = await stage.row(bad.session_id)
        await _write(stage, bad, spoil)

        await stage.sweep_after(app, STALE_SECONDS)
        delays = await _delays(stage, app, bad)

        assert await stage.ending(sound.session_id) == PASSED
        assert delays == sorted(set(delays))
        assert await _told_about(stage, bad) >= len(delays)
        await _write(stage, bad, {name: good.get(name) for name in spoil})
        await stage.sweep_after(app, 3601, 3601)
        assert await stage.ending(bad.session_id) == PASSED
        assert faults_in(await stage.rows()) == []

    @pytest.mark.parametrize(
        "alarm_at",
        [None, "some day", 7, LONG_AGO, "9999-12-31T23:59:59.999Z"],
        ids=["no time", "no date", "a number", "long ago", "never"],
    )
    async def test_a_row_that_does_not_know_its_alarm_is_settled_all_the_same(
        self, stage: Stage, alarm_at: object
    ) -> None:
        app = stage.process()
        case = await stage.case(app)
        await stage.play(case)
        await _write(stage, case, {"alarmAt": alarm_at})

        await stage.sweep_after(app, STALE_SECONDS, 3601, 3601)

        assert await stage.ending(case.session_id) == PASSED
        assert faults_in(await stage.rows()) == []

    async def test_a_token_that_ends_with_time_itself_waits_longer_and_longer(
        self, stage: Stage
    ) -> None:
        app = stage.process()
        bad, sound = await stage.case(app), await stage.case(app)
        await stage.play(sound)
        good = await stage.row(bad.session_id)
        await _write(stage, bad, {"expiresAt": "9999-12-31T23:59:59.999Z"})

        await stage.sweep_after(app, STALE_SECONDS)
        delays = await _delays(stage, app, bad)

        assert await stage.ending(sound.session_id) == PASSED
        assert delays == sorted(set(delays))
        await _write(stage, bad, {"expiresAt": good["expiresAt"]})
        await stage.sweep_after(app, 3601, 3601)
        assert await stage.ending(bad.session_id) == ("abandoned", None)

    async def test_a_row_repaired_from_a_backup_is_settled_too(self, stage: Stage) -> None:
        app = stage.process()
        bad = await stage.case(app)
        await stage.play(bad)
        good = await stage.row(bad.session_id)
        await _write(stage, bad, {"status": "nonsense"})
        await stage.sweep_after(app, STALE_SECONDS, 200)

        await stage.table.upsert_entity(good, mode="replace")
        await stage.sweep_after(app, 3601, 3601, 3601)

        assert await stage.ending(bad.session_id) == PASSED
        assert faults_in(await stage.rows()) == []

    async def test_a_count_that_is_none_sets_its_session_aside(self, stage: Stage) -> None:
        app = stage.process()
        bad, sound = await stage.case(app), await stage.case(app)
        count = {
            "PartitionKey": bad.session_id[0],
            "RowKey": f"person-{bad.session.person_sha256}",
        }
        await stage.table.upsert_entity({**count, "openSessions": "many"}, mode="replace")

        await stage.sweep_after(app, STALE_SECONDS)
        delays = await _delays(stage, app, bad)

        assert await stage.ending(sound.session_id) == ("abandoned", None)
        assert delays == sorted(set(delays))
        await stage.table.upsert_entity({**count, "openSessions": 1}, mode="replace")
        await stage.sweep_after(app, 3601, 3601)
        assert await stage.ending(bad.session_id) == ("abandoned", None)
        assert faults_in(await stage.rows()) == []

    async def test_an_answer_that_never_parses_waits_longer_and_longer_until_face_forgets(
        self, stage: Stage
    ) -> None:
        app = stage.process()
        bad, sound = await stage.case(app), await stage.case(app)
        await stage.play(sound)
        babel = cast("FaceGateway", _Babel(app.flow.face, bad.session.face_session_id))
        lost = stage.rewired(app, face=babel)

        await stage.sweep_after(lost, STALE_SECONDS)
        delays = await _delays(stage, lost, bad)

        assert await stage.ending(sound.session_id) == PASSED
        assert delays == sorted(set(delays))
        assert await stage.ending(bad.session_id) == ("started", None)
        assert stage.notes.named("face silent")
        await stage.sweep_after(lost, 49 * 3600)
        assert await stage.ending(bad.session_id) == ("abandoned", None)

    @pytest.mark.parametrize(
        "key",
        [
            f"alarm-{LONG_AGO}-{'5' * 33}",
            f"alarm-{LONG_AGO}-key-{'ab' * 32}",
            f"alarm-{LONG_AGO}-key-",
            f"alarm-{LONG_AGO}-",
            "alarm-",
            "alarm-!",
            "alarm-1",
            "alarm-0'; or '",
            "alarm-0000-99-99T99:99:99.999Z-key-1",
            "alarm-1 \u00e9\u4e16 ",
        ],
        ids=[
            "of no session",
            "of no idempotency key",
            "of an empty idempotency key",
            "of nobody",
            "without anything",
            "of a sign",
            "of a digit",
            "with quotes",
            "at no time",
            "in other letters",
        ],
    )
    async def test_a_stray_alarm_stops_nobody_and_is_not_met_at_every_tick(
        self, stage: Stage, key: str
    ) -> None:
        app = stage.process()
        sound = await stage.case(app)
        await stage.play(sound)
        await stage.table.create_entity({"PartitionKey": "5", "RowKey": key})

        await stage.sweep_after(app, STALE_SECONDS)
        again = await _met(stage, app)

        assert await stage.ending(sound.session_id) == PASSED
        assert again == 0

    @pytest.mark.parametrize("status", ["started", "completed"])
    @pytest.mark.parametrize("shard", ["its own", "another"])
    async def test_a_second_alarm_of_a_session_is_not_met_at_every_tick(
        self, stage: Stage, status: str, shard: str
    ) -> None:
        app = stage.process()
        case = await stage.case(app)
        if status == "completed":
            await stage.play(case)
            await app.flow.cancel(case.session_id, case.token)
        own = case.session_id[0]
        partition = own if shard == "its own" else SHARDS[SHARDS.index(own) - 1]
        key = f"alarm-{LONG_AGO}-{case.session_id}"
        await stage.table.create_entity({"PartitionKey": partition, "RowKey": key})

        await stage.sweep_after(app, 1)
        again = await _met(stage, app)

        assert (await stage.ending(case.session_id))[0] == status
        assert again == 0
        assert faults_in(await stage.rows()) == []


class TestSummary:
    async def test_a_run_logs_one_summary_of_what_was_due_and_done(self, stage: Stage) -> None:
        app = stage.process()
        old = await stage.case(app, key="k1")
        await app.flow.cancel(old.session_id, old.token)
        await stage.world.wait(RETENTION_SECONDS - STALE_SECONDS)
        for _ in range(3):
            await stage.play(await stage.case(app))
        for _ in range(2):
            await stage.case(app)
        await stage.world.wait(STALE_SECONDS - 60)
        kept = await stage.case(app)
        await stage.world.fail("delete", status=503)
        await app.flow.cancel(kept.session_id, kept.token)
        bad = await stage.case(app)
        await _write(stage, bad, {"status": "nonsense"})
        await stage.world.wait(60)
        await _ring_now(stage, bad)
        oldest = (await stage.row(old.session_id))["endedAt"]
        stage.notes.facts.clear()

        await app.sweep.run()

        # The first session's own alarm and that of its key, long overdue for want of a sweep.
        key_ended = datetime.fromisoformat(oldest) + timedelta(days=1)
        (summary,) = stage.notes.named("sweep ended")
        age = summary.pop("oldest_seconds")
        assert summary == {
            "due": 9,
            "settled": 3,
            "abandoned": 2,
            "deleted": 1,
            "purged": 2,
            "failed": 1,
        }
        assert age == pytest.approx((stage.now() - key_ended).total_seconds(), abs=5)

    async def test_a_run_with_nothing_due_says_so_in_all_its_numbers(self, stage: Stage) -> None:
        app = stage.process()

        await app.sweep.run()

        (summary,) = stage.notes.named("sweep ended")
        assert summary == dict.fromkeys(SUMMARY, 0)

    async def test_two_sweeps_at_once_count_each_ending_once(self, stage: Stage) -> None:
        one, two = stage.process(), stage.process()
        for number in range(16):
            case = await stage.case(one)
            if number % 2:
                await stage.play(case)
        await stage.world.wait(STALE_SECONDS)

        await asyncio.gather(one.sweep.run(), two.sweep.run())

        done = defaultdict[str, int](int)
        for summary in stage.notes.named("sweep ended"):
            for name in ("settled", "abandoned", "failed"):
                done[name] += cast("int", summary.get(name, 0))
        assert done == {"settled": 8, "abandoned": 8, "failed": 0}


@dataclass(frozen=True, slots=True)
class _Babel:
    """Face, but for one session, of which it talks nonsense."""

    _face: FaceGateway
    _about: str

    async def get(self, kind: Kind, face_session_id: FaceSessionId) -> FaceAnswer | None:
        if face_session_id == self._about:
            raise FaceUnavailableError("Face answered nonsense")
        return await self._face.get(kind, face_session_id)

    async def delete(
        self, kind: Kind, face_session_id: FaceSessionId, *, patient: bool = True
    ) -> None:
        await self._face.delete(kind, face_session_id, patient=patient)


@dataclass
class _LeapingSelector:
    """Waits for nothing: the loop's clock leaps to the next timer instead."""

    time: float = 0
    _real: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def select(self, timeout: float | None = None) -> list[Any]:
        self.time += timeout or 0
        return self._real.select(0)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def _is_paced(face: FaceGateway) -> bool:
    assert isinstance(face, FaceClient)
    return isinstance(getattr(face._options.acquire, "__self__", None), Pace)


def _in_no_time[T](work: Coroutine[object, object, T]) -> T:
    selector = _LeapingSelector()
    loop = asyncio.SelectorEventLoop(cast("selectors.BaseSelector", selector))
    loop.time = lambda: selector.time  # type: ignore[method-assign] # a loop whose time is ours
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


class _watched:  # noqa: N801 - reads as the function that it stands for
    """A store on the stage's table whose every HTTP request is written down."""

    def __init__(self, stage: Stage, requests: list[tuple[str, str]]) -> None:
        def write_down(request: PipelineRequest[HttpRequest]) -> None:
            requests.append((request.http_request.method, request.http_request.url))

        storage = stage.world.stack.settings["AzureWebJobsStorage"]
        self._client = TableClient.from_connection_string(
            storage, stage.table.table_name, raw_request_hook=write_down
        )

    async def __aenter__(self) -> SessionStore:
        return TableSessionStore(StorageTable(self._client, timeout_seconds=20))

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


async def _write(stage: Stage, case: Case, columns: dict[str, object]) -> None:
    row = {**await stage.row(case.session_id), **columns}
    kept = {name: value for name, value in row.items() if value is not None}
    await stage.table.upsert_entity(kept, mode="replace")


async def _ring_now(stage: Stage, case: Case) -> None:
    """Let the alarm of a row that nobody can read be due."""
    alarm = await _alarm(stage, case)
    partition = case.session_id[0]
    key = f"alarm-{rfc3339(stage.now() - timedelta(seconds=1))}-{case.session_id}"
    await stage.table.delete_entity(partition, alarm)
    await stage.table.create_entity({"PartitionKey": partition, "RowKey": key})


async def _alarm(stage: Stage, case: Case) -> str:
    keys = [row["RowKey"] for row in await stage.rows()]
    (alarm,) = (key for key in keys if key.startswith("alarm-") and key.endswith(case.session_id))
    return str(alarm)


async def _delays(stage: Stage, app: App, case: Case) -> list[float]:
    """Sweep at each of the next alarms of a session, and tell by how much each was moved."""
    delays = list[float]()
    for _ in range(3):
        alarm = datetime.fromisoformat((await _alarm(stage, case))[6:30])
        left = (alarm - stage.now()).total_seconds()
        delays.append(round(left / 30))
        await stage.sweep_after(app, max(left, 0) + 1)
    return delays


async def _told_about(stage: Stage, case: Case) -> int:
    told = (*stage.notes.named("session set aside"), *stage.notes.named("session failed"))
    return sum(facts["session_id"] == case.session_id for facts in told)


async def _met(stage: Stage, app: App) -> object:
    """Sweep once more and tell how many alarms that met."""
    stage.notes.facts.clear()
    await app.sweep.run()
    (summary,) = stage.notes.named("sweep ended")
    return summary["due"]
