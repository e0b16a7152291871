import asyncio
import selectors
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.errors import (
    FaceUnavailableError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow.sweep import Sweep
from shared.session import transitions
from shared.session.alarm import Alarm, SweepResult
from shared.session.ids import SessionId
from shared.session.session import Session, Status
from shared.session.shard import SHARDS
from shared.store import row_keys
from tests.support.builders import NOW, RETENTION, a_claim, a_session
from tests.unit.flow.stage import STALE, Stage

DOWN = StoreUnavailableError("down")


@pytest.fixture
def stage() -> Stage:
    """Give the time when what was started at first is stale."""
    stage = Stage()
    stage.clock.moment = STALE
    return stage


def one_in_each_shard() -> list[Session]:
    return [a_session(session_id=shard + "0" * 32) for shard in SHARDS]


async def run(
    stage: Stage, sweep: Sweep | None = None, *, oldest_seconds: int = 0
) -> dict[str, object]:
    """Run a sweep, and return what it has logged of itself where that is not 0."""
    await (sweep or stage.sweep).run()
    ended = stage.events.named("sweep ended")[-1]
    assert ended["oldest_seconds"] == oldest_seconds
    assert None not in [ended[always] for always in ("settled", "abandoned", "deleted", "purged")]
    always = {"due", "failed"}
    return {
        name: count
        for name, count in ended.items()
        if name in always or (count and name != "oldest_seconds")
    }


def statuses(stage: Stage) -> set[Status]:
    return {session.status for session in stage.store.rows.values()}


async def test_a_sweep_ends_what_is_stale_in_every_shard(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())

    assert await run(stage) == {"due": 16, "failed": 0, "abandoned": 16}
    assert statuses(stage) == {Status.ABANDONED}
    assert len(stage.face.deleted) == 16


async def test_a_sweep_leaves_what_is_not_due(stage: Stage) -> None:
    final = transitions.face_data_deleted(transitions.canceled(a_session(), NOW), RETENTION)
    stage.store.hold(final, *one_in_each_shard())
    stage.clock.advance(timedelta(milliseconds=-1))

    assert await run(stage) == {"due": 0, "failed": 0}
    assert stage.face.calls == []


async def test_a_sweep_does_each_thing_that_is_due(stage: Stage) -> None:
    open_, canceled, clean = [a_session(session_id=f"7{number:032}") for number in range(3)]
    stage.store.hold(
        open_,
        transitions.canceled(canceled, NOW),
        transitions.face_data_deleted(transitions.canceled(clean, NOW), timedelta()),
    )

    assert await run(stage, oldest_seconds=900) == {
        "due": 3,
        "failed": 0,
        "abandoned": 1,
        "deleted": 1,
        "purged": 1,
    }
    assert set(stage.store.rows) == {open_.session_id, canceled.session_id}


@pytest.mark.parametrize(
    ("error", "counted", "logged"),
    [
        pytest.param(DOWN, {"failed": 3}, 3, id="a-failure"),
        pytest.param(StoreConflictError("lost"), {"failed": 0, "skipped": 3}, 0, id="a-lost-race"),
    ],
)
async def test_what_happens_to_one_session_never_stops_a_sweep(
    error: Exception, counted: dict[str, int], logged: int, stage: Stage
) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.store.fail_next("load", *[error] * 3)

    assert await run(stage) == {"due": 16, "abandoned": 13, **counted}
    assert len(stage.events.named("session failed")) == logged


async def test_one_failing_shard_never_stops_a_sweep(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.store.unreadable_shards["0"] = DOWN

    assert await run(stage) == {"due": 15, "failed": 1, "abandoned": 15}
    assert stage.events.named("shard set aside") == [{"shard": "0", "cause": DOWN}]


async def test_a_sweep_with_face_down_only_moves_alarms(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.face.fails["get"] = FaceUnavailableError("down")

    assert await run(stage) == {"due": 16, "failed": 0, "postponed": 16}
    assert statuses(stage) == {Status.STARTED}
    assert await run(stage) == {"due": 0, "failed": 0}


async def test_a_sweep_ends_the_keys_of_a_day_ago_and_leaves_their_sessions(stage: Stage) -> None:
    session = a_session(session_id="7" + "0" * 32, alarm_at=NOW + timedelta(days=2))
    claim = a_claim(session_id=session.session_id)
    await stage.store.insert(session, claim, max_open_sessions=0)

    stage.clock.moment = claim.ends_at - timedelta(milliseconds=1)
    assert await run(stage) == {"due": 0, "failed": 0}
    stage.clock.moment = claim.ends_at
    assert await run(stage) == {"due": 1, "failed": 0, "purged": 1}
    assert (list(stage.store.rows), stage.store.claims) == ([session.session_id], {})


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        pytest.param(DOWN, {"failed": 1}, id="a-failure"),
        pytest.param(StoreConflictError("lost"), {"failed": 0, "skipped": 1}, id="a-lost-race"),
    ],
)
async def test_a_key_that_cannot_be_ended_is_ended_by_the_next_sweep(
    error: Exception, counted: dict[str, int], stage: Stage
) -> None:
    session = a_session(session_id="7" + "0" * 32, alarm_at=NOW + timedelta(days=2))
    await stage.store.insert(session, a_claim(session_id=session.session_id), max_open_sessions=0)
    stage.store.fail_next("end_claim", error)
    stage.clock.moment = NOW + timedelta(hours=24)

    assert await run(stage) == {"due": 1, **counted}
    assert await run(stage) == {"due": 1, "failed": 0, "purged": 1}


async def test_a_session_that_cannot_be_read_is_postponed(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.store.fail_next("load", UnreadableRecordError("strange"))

    assert await run(stage) == {"due": 16, "failed": 1, "abandoned": 15}
    assert len(stage.events.named("session set aside")) == 1
    assert await run(stage) == {"due": 0, "failed": 0}
    stage.clock.advance(timedelta(minutes=2))
    assert await run(stage) == {"due": 1, "failed": 0, "abandoned": 1}


@pytest.mark.parametrize(
    ("error", "counted", "logged"),
    [
        pytest.param(DOWN, {"failed": 1}, 1, id="a-failure"),
        pytest.param(StoreConflictError("lost"), {"failed": 0, "skipped": 1}, 0, id="a-lost-race"),
    ],
)
async def test_what_cannot_even_be_postponed_stops_nothing(
    error: Exception, counted: dict[str, int], logged: int, stage: Stage
) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.store.fail_next("load", UnreadableRecordError("strange"))
    stage.store.fail_next("postpone_unreadable", error)

    assert await run(stage) == {"due": 16, "abandoned": 15, **counted}
    assert len(stage.events.named("session failed")) == logged


async def test_an_alarm_without_its_session_is_removed(stage: Stage) -> None:
    orphan = a_session(session_id="7" + "0" * 32)
    stage.store.strays.add(("7", row_keys.alarm_key(orphan)))

    assert await run(stage) == {"due": 1, "failed": 1}
    assert await run(stage) == {"due": 0, "failed": 0}


async def test_a_sweep_tells_the_age_of_the_oldest_alarm(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard(), a_session(alarm_at=NOW - timedelta(hours=1)))
    stage.face.fails["get"] = FaceUnavailableError("down")

    await run(stage, oldest_seconds=round((STALE - NOW).total_seconds()) + 3600)


async def test_a_sweep_whose_time_is_over_leaves_the_rest_due(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())

    assert await run(stage, replace(stage.sweep, max_run_seconds=0)) == {"due": 0, "failed": 0}
    assert statuses(stage) == {Status.STARTED}


@dataclass
class SlowWalk:
    """A walk that takes a second for every alarm."""

    at_once: int = 0
    max_at_once: int = 0

    async def handle_alarm(self, _session_id: SessionId, _alarm: Alarm) -> SweepResult:
        self.at_once += 1
        self.max_at_once = max(self.max_at_once, self.at_once)
        await asyncio.sleep(1)
        self.at_once -= 1
        return SweepResult.SETTLED


class LeapingSelector(selectors.SelectSelector):
    """Where a loop would wait, its time leaps."""

    time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.time += timeout or 0
        return super().select(0)


def leaping_loop() -> asyncio.AbstractEventLoop:
    selector = LeapingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.time  # type: ignore[method-assign] # a loop whose time is ours
    return loop


def test_eight_alarms_are_worked_on_at_once_and_what_time_does_not_allow_is_left() -> None:
    stage, walk = Stage(), SlowWalk()
    stage.store.hold(*(a_session(session_id=f"{shard}{n:032}") for shard in SHARDS for n in (1, 2)))
    stage.clock.moment = STALE
    sweep = replace(stage.sweep, walk=walk, max_run_seconds=1.5)  # type: ignore[arg-type] # as far as a sweep uses it
    with asyncio.Runner(loop_factory=leaping_loop) as runner:
        done = runner.run(run(stage, sweep))

    assert walk.max_at_once == 8
    assert done == {"due": 32, "failed": 0, "settled": 16, "left": 16}
