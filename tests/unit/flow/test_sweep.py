from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow.sweep import Sweep
from shared.session import transitions
from shared.session.ledger import Unlock
from shared.session.session import Session, Status
from shared.session.shard import SHARDS
from tests.support.builders import NOW, PERSON, RETENTION, a_session
from tests.support.stage import Stage
from tests.unit.flow.states import STALE_AT

DOWN = StoreUnavailableError("down")


@pytest.fixture
def stage() -> Stage:
    """Give the time when what was started at first is stale."""
    stage = Stage()
    stage.clock.moment = STALE_AT
    return stage


def one_in_each_shard() -> list[Session]:
    return [a_session(session_id=shard + "0" * 32) for shard in SHARDS]


async def run(
    stage: Stage, sweep: Sweep | None = None, *, oldest_seconds: int = 0
) -> dict[str, object]:
    """Run a sweep, and return what it has logged of itself where that is not 0."""
    await (sweep or stage.app.sweep).run()
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
    return {session.status for session in stage.store.sessions.values()}


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
    assert stage.face_calls == []


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
    assert set(stage.store.sessions) == {open_.session_id, canceled.session_id}


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
    stage.faults.fail_next("load", *[error] * 3)

    assert await run(stage) == {"due": 16, "abandoned": 13, **counted}
    assert len(stage.events.named("session failed")) == logged


async def test_one_failing_shard_never_stops_a_sweep(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.store.table.unreadable_partitions.add("0")

    assert await run(stage) == {"due": 15, "failed": 1, "abandoned": 15}
    (fields,) = stage.events.named("shard set aside")
    assert (fields["shard"], type(fields["cause"])) == ("0", StoreUnavailableError)


async def a_due_unlock(stage: Stage) -> None:
    await stage.store.record_unlock(PERSON, Unlock(at=stage.clock()))
    stage.clock.advance(timedelta(hours=24))


async def test_a_sweep_ends_what_no_session_takes_with_it_at_its_time(stage: Stage) -> None:
    await a_due_unlock(stage)

    stage.clock.advance(timedelta(milliseconds=-1))
    assert await run(stage) == {"due": 0, "failed": 0}
    stage.clock.advance(timedelta(milliseconds=1))
    assert await run(stage) == {"due": 1, "failed": 0, "purged": 1}
    assert stage.rows == []


async def test_what_cannot_be_ended_is_ended_by_the_next_sweep(stage: Stage) -> None:
    await a_due_unlock(stage)
    stage.faults.fail_next("end_record", DOWN)

    assert await run(stage) == {"due": 1, "failed": 1}
    assert await run(stage) == {"due": 1, "failed": 0, "purged": 1}


async def test_what_another_sweep_ends_at_the_same_moment_is_skipped(stage: Stage) -> None:
    await a_due_unlock(stage)
    stage.faults.fail_next("end_record", stage.store.table.rows.clear)

    assert await run(stage) == {"due": 1, "failed": 0, "skipped": 1}


async def test_a_session_that_cannot_be_read_is_postponed(stage: Stage) -> None:
    stage.store.hold(*one_in_each_shard())
    stage.faults.fail_next("load", UnreadableRecordError("strange"))

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
    stage.faults.fail_next("load", UnreadableRecordError("strange"))
    stage.faults.fail_next("postpone_unreadable", error)

    assert await run(stage) == {"due": 16, "abandoned": 15, **counted}
    assert len(stage.events.named("session failed")) == logged


async def test_a_sweep_whose_time_is_over_leaves_the_rest_due(stage: Stage) -> None:
    purge = transitions.face_data_deleted(transitions.canceled(a_session(), NOW), timedelta())
    stage.store.hold(*one_in_each_shard(), replace(purge, alarm_at=STALE_AT))

    over = replace(stage.app.sweep, max_run_seconds=0)
    assert await run(stage, over) == {"due": 17, "failed": 0, "left": 17}
    assert statuses(stage) == {Status.STARTED, Status.CANCELED}
