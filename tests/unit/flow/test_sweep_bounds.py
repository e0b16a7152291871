"""However much is due: few are worked on at once, a run ends in time, whoever waits comes first."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from shared.flow.sweep import MAX_DUE, MAX_RUN_SECONDS, Sweep
from shared.session.alarm import Alarm, AlarmClass, SweepResult
from shared.session.ids import SessionId
from shared.session.shard import SHARDS, Shard
from shared.store import row_keys
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
    read: int = 0
    handled: list[Alarm] = field(default_factory=list)
    at_once: int = 0
    max_concurrency: int = 0

    @classmethod
    def of(cls, each_shard: int, word: str = "open") -> "Backlog":
        return cls(
            {shard: [_alarm(shard, one, word) for one in range(each_shard)] for shard in SHARDS}
        )

    async def list_due(self, shard: Shard, _now: datetime, *, limit: int) -> list[Alarm]:
        due = self.waiting[shard][:limit]
        self.read += len(due)
        return due

    async def handle_alarm(self, _session_id: SessionId, alarm: Alarm) -> SweepResult:
        self.handled.append(alarm)
        self.at_once += 1
        self.max_concurrency = max(self.max_concurrency, self.at_once)
        await asyncio.sleep(1)
        self.at_once -= 1
        self.waiting[alarm.shard].remove(alarm)
        return SweepResult.SETTLED

    @property
    def left(self) -> int:
        return sum(map(len, self.waiting.values()))

    def sweep(self, events: RecordedEvents, *, seconds: float) -> Sweep:
        return Sweep(
            walk=self,  # type: ignore[arg-type] # only its alarms are handled
            erasure=self,  # type: ignore[arg-type] # likewise
            store=cast("SessionStore", self),
            now=lambda: datetime.now(UTC),
            log=events,
            max_run_seconds=seconds,
        )


def _alarm(shard: Shard, number: int, word: str) -> Alarm:
    due_at = LONG_AGO + timedelta(seconds=number)
    time = due_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return row_keys.alarm_from_key(shard, f"alarm-{time}-{word}-{shard}{number:032x}")


def test_few_are_worked_on_at_once_however_many_are_due() -> None:
    backlog = Backlog.of(100)

    virtual_time.run(backlog.sweep(RecordedEvents(), seconds=10_000).run())

    assert (len(backlog.handled), backlog.left) == (1600, 0)
    assert backlog.max_concurrency == 8


def test_a_run_reads_an_equal_share_of_each_shard_and_no_more_than_it_can_hold() -> None:
    backlog = Backlog.of(MAX_DUE // 16 + 10)

    virtual_time.run(backlog.sweep(RecordedEvents(), seconds=1).run())

    assert backlog.read == MAX_DUE == 20_000


# The others are of rows of no session.
OF_SESSIONS = [one for one in AlarmClass if one not in {AlarmClass.RECORD, AlarmClass.ERASURE}]


@pytest.mark.parametrize("word", OF_SESSIONS)
def test_whoever_waits_comes_first_and_within_a_class_the_oldest(word: str) -> None:
    backlog = Backlog.of(20, word)
    young = {one: _alarm(Shard("7"), 1000, one) for one in OF_SESSIONS}
    backlog.waiting["7"] += young.values()

    virtual_time.run(backlog.sweep(RecordedEvents(), seconds=10_000).run())

    classes = [AlarmClass(str(one.alarm_class)) for one in backlog.handled]
    # What needs nothing of Face's rate does not wait for it.
    for lane in (True, False):
        ranks = [list(AlarmClass).index(one) for one in classes if one.needs_face is lane]
        assert ranks == sorted(ranks)
    times = [str(one.due_at) for one in backlog.handled if one.alarm_class == word]
    assert times == sorted(times)


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
    left = [cast("int", fields.get("left") or 0) for fields in ended]
    assert [one + other for one, other in zip(settled, left, strict=True)] == [
        fields["due"] for fields in ended
    ]
    assert max(took) <= 10 + 1
    assert len(took) == 5
    assert sum(settled) == len(backlog.handled) == 320


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
    # And before the next tick, so that what is reported meanwhile is first in the next run.
    assert MAX_RUN_SECONDS < 60
