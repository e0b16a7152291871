import asyncio
from datetime import timedelta

import pytest

from shared import lifecycle, telemetry
from shared.errors import FaceUnavailableError, StoreConflictError, StoreUnavailableError
from shared.liveness_flow import LivenessFlow
from shared.sessions import SHARDS, Session, Status
from shared.sweep import Sweep
from tests.unit.builders import GRACE, NOW, RETENTION, RULES, TOKEN_LIFE, a_session
from tests.unit.fakes import Clock, FakeFace, MemoryStore, Notes

STALE = NOW + TOKEN_LIFE + GRACE


class Swept:
    """A sweep on fakes, at the time when what was started at first is stale."""

    def __init__(self) -> None:
        self.face, self.store, self.notes = FakeFace(), MemoryStore(), Notes()
        self.clock = Clock(STALE)
        flow = LivenessFlow(
            face=self.face,
            store=self.store,
            rules=RULES,
            now=self.clock,
            random_bytes=bytes,
            note=self.notes,
        )
        self.sweep = Sweep(flow=flow, store=self.store, now=self.clock, note=self.notes)

    async def run(self) -> dict[str, object]:
        await self.sweep.run()
        return self.notes.named("sweep ended").pop()

    def statuses(self) -> set[Status]:
        return {session.status for session in self.store.rows.values()}


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
    ended = lifecycle.cleaned(lifecycle.canceled(a_session(), NOW), RETENTION)
    swept.store.hold(ended)

    assert await swept.run() == {"due": 0, "failed": 0}


async def test_a_sweep_does_each_thing_that_is_due(swept: Swept) -> None:
    ids = [f"7{number:032}" for number in range(3)]
    canceled = lifecycle.canceled(a_session(session_id=ids[1]), NOW)
    swept.store.hold(
        a_session(session_id=ids[0]),
        canceled,
        lifecycle.cleaned(lifecycle.canceled(a_session(session_id=ids[2]), NOW), timedelta()),
    )

    assert await swept.run() == {"due": 3, "failed": 0, "abandoned": 1, "deleted": 1, "purged": 1}
    assert set(swept.store.rows) == set(ids[:2])


@pytest.mark.parametrize(
    "trouble", [StoreUnavailableError("down"), StoreConflictError("lost")], ids=repr
)
async def test_one_failing_session_never_stops_a_sweep(trouble: Exception, swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.store.trip("load", *[trouble] * 3)

    assert await swept.run() == {"due": 16, "failed": 3, "abandoned": 13}
    assert len(swept.notes.named("session set aside")) == 3


async def test_one_failing_shard_never_stops_a_sweep(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.store.unreadable_shards["0"] = StoreUnavailableError("down")

    assert await swept.run() == {"due": 15, "failed": 1, "abandoned": 15}


async def test_a_sweep_with_face_down_only_moves_alarms(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    swept.face.fails["get"] = FaceUnavailableError("down")

    assert await swept.run() == {"due": 16, "failed": 0, "postponed": 16}
    assert swept.statuses() == {Status.STARTED}
    assert await swept.run() == {"due": 0, "failed": 0}


async def test_a_sweep_is_told_in_words_that_telemetry_takes(swept: Swept) -> None:
    swept.store.hold(*one_in_each_shard())
    ended = await swept.run()

    assert set(ended) <= set(telemetry._ALLOWED)


async def test_at_most_four_sessions_are_worked_on_at_once(swept: Swept) -> None:
    at_once: list[int] = []
    running = 0
    ring = swept.sweep.flow.ring

    class CountingFlow(LivenessFlow):
        async def ring(self, session_id: str) -> str:
            nonlocal running
            running += 1
            at_once.append(running)
            await asyncio.sleep(0)
            done = await ring(session_id)
            running -= 1
            return done

    flow = swept.sweep.flow
    counting = CountingFlow(
        face=flow.face,
        store=flow.store,
        rules=flow.rules,
        now=flow.now,
        random_bytes=flow.random_bytes,
        note=flow.note,
    )
    swept.store.hold(*one_in_each_shard())
    await Sweep(flow=counting, store=swept.store, now=swept.clock, note=swept.notes).run()

    assert max(at_once) == 4
