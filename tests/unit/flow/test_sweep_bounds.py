"""However much is due: few are held and worked on at once, a run ends in time, no shard starves."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from shared.flow.sweep import MAX_RUN_SECONDS, Sweep
from shared.session.alarm import Alarm, SweepResult
from shared.session.ids import SessionId
from shared.session.shard import SHARDS, Shard
from tests.support import virtual_time
from tests.support.fakes import RecordedEvents

if TYPE_CHECKING:
    from shared.flow.ports import SessionStore

HOST = Path(__file__).parents[3] / "host.json"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Backlog:
    """Alarms in every shard, and a flow that takes a second for each."""

    waiting: dict[str, list[Alarm]]
    taken: int = 0
    handled: int = 0
    at_once: int = 0
    max_concurrency: int = 0
    max_held: int = 0

    @classmethod
    def of(cls, each_shard: int) -> "Backlog":
        return cls({shard: [_alarm(shard, one) for one in range(each_shard)] for shard in SHARDS})

    async def list_due(self, shard: Shard, _now: datetime) -> AsyncIterator[Alarm]:
        for alarm in list(self.waiting[shard]):
            self.taken += 1
            self.max_held = max(self.max_held, self.taken - self.handled)
            yield alarm

    async def handle_alarm(self, _session_id: SessionId, alarm: Alarm) -> SweepResult:
        self.at_once += 1
        self.max_concurrency = max(self.max_concurrency, self.at_once)
        await asyncio.sleep(1)
        self.at_once -= 1
        self.handled += 1
        self.waiting[alarm.shard].remove(alarm)
        return SweepResult.SETTLED

    @property
    def left(self) -> int:
        return sum(map(len, self.waiting.values()))

    def sweep(self, events: RecordedEvents, *, seconds: float) -> Sweep:
        return Sweep(
            walk=self,  # type: ignore[arg-type] # only its alarms are handled
            store=cast("SessionStore", self),
            now=lambda: datetime.now(UTC),
            log=events,
            max_run_seconds=seconds,
        )


def _alarm(shard: Shard, number: int) -> Alarm:
    session_id = SessionId(f"{shard}-{number}")
    key = f"alarm-{LONG_AGO}-{session_id}"
    return Alarm(shard=shard, session_id=session_id, row_key=key, due_at=LONG_AGO)


def test_few_are_worked_on_at_once_and_few_are_held_however_many_are_due() -> None:
    backlog = Backlog.of(100)

    virtual_time.run(backlog.sweep(RecordedEvents(), seconds=10_000).run())

    assert (backlog.handled, backlog.left) == (1600, 0)
    assert backlog.max_concurrency == 8
    # As many as work, as many as wait, and one in each finder's hand.
    assert backlog.max_held <= 8 + 8 + len(SHARDS)


def test_a_sweep_ends_in_time_and_the_next_ones_take_up_what_is_left() -> None:
    backlog, events, took = Backlog.of(20), RecordedEvents(), list[float]()

    async def run() -> None:
        clock = asyncio.get_running_loop().time
        while backlog.left:
            began = clock()
            await backlog.sweep(events, seconds=10).run()
            took.append(clock() - began)

    virtual_time.run(run())

    ended = events.named("sweep ended")
    settled = [cast("int", fields["settled"]) for fields in ended]
    left = [cast("int", fields["left"] or 0) for fields in ended]
    assert [one + other for one, other in zip(settled, left, strict=True)] == [
        fields["due"] for fields in ended
    ]
    assert max(took) <= 10 + 1
    assert len(took) == 4
    assert sum(settled) == backlog.handled == 320


def test_no_shard_starves_while_the_backlog_lasts() -> None:
    backlog = Backlog.of(100)

    virtual_time.run(backlog.sweep(RecordedEvents(), seconds=10).run())

    assert backlog.left > 0
    assert all(len(waiting) < 100 for waiting in backlog.waiting.values())


def test_a_sweep_ends_well_before_its_function_would_be_ended() -> None:
    host = json.loads(HOST.read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    timeout = timedelta(hours=hours, minutes=minutes, seconds=seconds)

    assert timeout.total_seconds() / 2 >= MAX_RUN_SECONDS
