from dataclasses import replace
from datetime import timedelta

import pytest

from shared import telemetry
from shared.errors import (
    FaceUnavailableError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.session import transitions
from shared.session.session import SHARDS, Session, Status
from shared.store import session_rows
from tests.support.builders import GRACE, NOW, RETENTION, TOKEN_LIFE, a_claim, a_session
from tests.support.fakes import Clock
from tests.support.stage import Stage

STALE = NOW + TOKEN_LIFE + GRACE


class Swept:
    """A sweep on fakes, at the time when what was started at first is stale."""

    def __init__(self) -> None:
        self.stage = Stage(clock=Clock(STALE))
        self.face, self.store, self.clock = self.stage.face, self.stage.store, self.stage.clock
        self.faults, self.notes = self.stage.faults, self.stage.events
        self.sweep = self.stage.app.sweep

    async def run(self, *, oldest_seconds: int = 0) -> dict[str, object]:
        await self.sweep.run()
        ended = self.notes.named("sweep ended").pop()
        assert ended.pop("oldest_seconds") == oldest_seconds
        assert ended.keys() >= {"settled", "abandoned", "deleted", "purged"}
        always = {"due", "failed"}
        return {name: count for name, count in ended.items() if count or name in always}

    def statuses(self) -> set[Status]:
        return {session.status for session in self.store.sessions.values()}


@pytest.fixture
def swept() -> Swept:
    return Swept()


def one_in_each_shard() -> list[Session]:
    return [a_session(session_id=shard + "0" * 32) for shard in SHARDS]


async def test_a_sweep_ends_what_is_stale_in_every_shard(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())

    assert await swept.run() == {"due": 16, "failed": 0, "abandoned": 16}
    assert swept.statuses() == {Status.ABANDONED}
    assert len(swept.face.deleted) == 16


async def test_a_sweep_leaves_what_is_not_due(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.clock.advance(timedelta(milliseconds=-1))

    assert await swept.run() == {"due": 0, "failed": 0}
    assert swept.face.calls == []


async def test_a_sweep_leaves_final_sessions_within_their_retention(swept: Swept) -> None:
    ended = transitions.face_data_deleted(transitions.canceled(a_session(), NOW), RETENTION)
    swept.store.hold(ended)

    assert await swept.run() == {"due": 0, "failed": 0}


async def test_a_sweep_does_each_thing_that_is_due(swept: Swept) -> None:
    ids = [f"7{number:032}" for number in range(3)]
    canceled = transitions.canceled(a_session(session_id=ids[1]), NOW)
    swept.store.hold(
        a_session(session_id=ids[0]),
        canceled,
        transitions.face_data_deleted(
            transitions.canceled(a_session(session_id=ids[2]), NOW), timedelta()
        ),
    )

    assert await swept.run(oldest_seconds=900) == {
        "due": 3,
        "failed": 0,
        "abandoned": 1,
        "deleted": 1,
        "purged": 1,
    }
    assert set(swept.store.sessions) == set(ids[:2])


async def test_one_failing_session_never_stops_a_sweep(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.faults.fail_next("load", *[StoreUnavailableError("down")] * 3)

    assert await swept.run() == {"due": 16, "failed": 3, "abandoned": 13}
    assert len(swept.notes.named("session failed")) == 3


async def test_a_race_that_a_sweep_lost_is_no_failure(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.faults.fail_next("load", *[StoreConflictError("lost")] * 3)

    assert await swept.run() == {"due": 16, "failed": 0, "skipped": 3, "abandoned": 13}
    assert swept.notes.named("session failed") == []


async def test_one_failing_shard_never_stops_a_sweep(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.store.table.unreadable_partitions.add("0")

    assert await swept.run() == {"due": 15, "failed": 1, "abandoned": 15}


async def test_a_sweep_with_face_down_only_moves_alarms(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.faults.fail("get", FaceUnavailableError("down"))

    assert await swept.run() == {"due": 16, "failed": 0, "postponed": 16}
    assert swept.statuses() == {Status.STARTED}
    assert await swept.run() == {"due": 0, "failed": 0}


async def test_a_sweep_is_told_in_words_that_telemetry_takes(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    ended = await swept.run()

    assert set(ended) <= set(telemetry._ALLOWED)


async def test_a_sweep_ends_the_keys_of_a_day_ago_and_leaves_their_sessions(swept: Swept) -> None:
    session = a_session(session_id="7" + "0" * 32, alarm_at=NOW + timedelta(days=2))
    claims = [a_claim(session_id=session.session_id, key_hash=str(digit) * 64) for digit in (1, 2)]
    await swept.store.insert(session, claims[0], max_open_sessions=0)
    swept.clock.moment = claims[0].ends_at - timedelta(milliseconds=1)
    before = await swept.run()
    swept.clock.advance(timedelta(milliseconds=1))

    assert before == {"due": 0, "failed": 0}
    assert await swept.run() == {"due": 1, "failed": 0, "purged": 1}
    assert (list(swept.store.sessions), swept.store.claims) == ([session.session_id], [])


async def test_a_key_that_cannot_be_ended_is_ended_by_the_next_sweep(swept: Swept) -> None:
    session = a_session(session_id="7" + "0" * 32, alarm_at=NOW + timedelta(days=2))
    await swept.store.insert(session, a_claim(session_id=session.session_id), max_open_sessions=0)
    swept.faults.fail_next("end_claim", StoreUnavailableError("down"))
    swept.clock.moment = NOW + timedelta(hours=24)

    assert await swept.run() == {"due": 1, "failed": 1}
    assert await swept.run() == {"due": 1, "failed": 0, "purged": 1}


async def test_a_session_that_cannot_be_read_is_set_aside_for_a_while(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.faults.fail_next("load", UnreadableRecordError("strange"))

    assert await swept.run() == {"due": 16, "failed": 1, "abandoned": 15}
    assert len(swept.notes.named("session set aside")) == 1
    assert await swept.run() == {"due": 0, "failed": 0}
    swept.clock.advance(timedelta(minutes=2))
    assert await swept.run() == {"due": 1, "failed": 0, "abandoned": 1}


async def test_what_cannot_even_be_set_aside_stops_nothing(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.faults.fail_next("load", UnreadableRecordError("strange"))
    swept.faults.fail_next("postpone_unreadable", StoreUnavailableError("down"))

    assert await swept.run() == {"due": 16, "failed": 1, "abandoned": 15}
    assert len(swept.notes.named("session failed")) == 1


async def test_an_alarm_without_its_session_is_removed(swept: Swept) -> None:
    stray = a_session(session_id="7" + "0" * 32)
    swept.store.table.put(session_rows.alarm_row(stray))

    assert await swept.run() == {"due": 1, "failed": 1}
    assert await swept.run() == {"due": 0, "failed": 0}


async def test_a_sweep_tells_the_age_of_the_oldest_alarm(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard(), a_session(alarm_at=NOW - timedelta(hours=1)))
    swept.faults.fail("get", FaceUnavailableError("down"))

    await swept.run(oldest_seconds=round((STALE - NOW).total_seconds()) + 3600)


async def test_a_sweep_whose_time_is_over_leaves_the_rest_due(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.sweep = replace(swept.sweep, max_run_seconds=0)

    assert await swept.run() == {"due": 0, "failed": 0}
    assert swept.statuses() == {Status.STARTED}
