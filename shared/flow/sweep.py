"""Every alarm that is due, at a bounded pace; one bad session never stops the others."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import (
    AppError,
    SessionConflictError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow.ports import LogEvent, SessionStore
from shared.flow.walk import Walk
from shared.session.alarm import Alarm, AlarmClass, SweepResult
from shared.session.shard import SHARDS, Shard

# A run reads what is due before it works, so this is what it holds at most: an equal share of each
# shard.
MAX_DUE = 20_000
_CONCURRENCY = 8
# Less than a tick, so that what is reported while thousands are due is first in the next run; and
# well before the function's time-out (host.json), after which the worker would be killed at work.
MAX_RUN_SECONDS = 50
# Another sweep, or a caller, was first.
_LOST_RACE_ERRORS = (StoreConflictError, SessionConflictError, SessionNotFoundError)
# What a corrupt row can raise in code that trusts its own rows.
_CORRUPT_ROW_ERRORS = (UnreadableRecordError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one run has seen and done."""

    ends_at: float
    due: int = 0
    results: Counter[SweepResult] = field(default_factory=Counter)
    oldest: datetime | None = None

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends_at

    def record(self, alarm: Alarm, result: SweepResult) -> None:
        self.results[result] += 1
        if alarm.due_at and (self.oldest is None or alarm.due_at < self.oldest):
            self.oldest = alarm.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Has the walk handle the due alarms of all shards."""

    walk: Walk
    store: SessionStore
    now: Callable[[], datetime]
    log: LogEvent
    max_run_seconds: float = MAX_RUN_SECONDS

    async def run(self) -> None:
        """Do what is due now, and log in one event what that was."""
        now = self.now()
        run = _Run(ends_at=asyncio.get_running_loop().time() + self.max_run_seconds)
        alarms = sorted(await self._read_due(now, run), key=_order)
        run.due = len(alarms)
        work = iter(alarms)
        async with asyncio.TaskGroup() as group:
            for _ in range(_CONCURRENCY):
                group.create_task(self._work(work, run))
        self._log(run, now)

    async def _read_due(self, now: datetime, run: _Run) -> list[Alarm]:
        shards = await asyncio.gather(*(self._read_shard(shard, now, run) for shard in SHARDS))
        return [alarm for alarms in shards for alarm in alarms]

    async def _read_shard(self, shard: Shard, now: datetime, run: _Run) -> list[Alarm]:
        try:
            return await self.store.list_due(shard, now, limit=MAX_DUE // len(SHARDS))
        except StoreUnavailableError as error:
            self.log("shard set aside", shard=shard, cause=error)
            run.results[SweepResult.FAILED] += 1
            return []

    async def _work(self, alarms: Iterator[Alarm], run: _Run) -> None:
        for alarm in alarms:
            result = SweepResult.LEFT if run.is_over else await self._handle(alarm)
            run.record(alarm, result)

    async def _handle(self, alarm: Alarm) -> SweepResult:
        try:
            if alarm.session_id is None:
                return await self._end_claim(alarm)
            return await self.walk.handle_alarm(alarm.session_id, alarm)
        except _CORRUPT_ROW_ERRORS as error:
            return await self._postpone_unreadable(alarm, error)
        except _LOST_RACE_ERRORS:
            return SweepResult.SKIPPED
        except AppError as error:
            self.log("session failed", session_id=alarm.session_id, cause=error)
            return SweepResult.FAILED

    async def _end_claim(self, alarm: Alarm) -> SweepResult:
        try:
            await self.store.end_claim(alarm)
        except StoreConflictError as error:
            # Another sweep was first, or there is no such key: then its alarm must go.
            return await self._postpone_unreadable(alarm, error)
        return SweepResult.PURGED

    async def _postpone_unreadable(self, alarm: Alarm, cause: Exception) -> SweepResult:
        try:
            await self.store.postpone_unreadable(alarm, self.now())
        except StoreConflictError:
            # The alarm is gone: another sweep was first.
            return SweepResult.SKIPPED
        except AppError as error:
            self.log("session failed", session_id=alarm.session_id, cause=error)
        else:
            self.log("session set aside", session_id=alarm.session_id, cause=cause)
        return SweepResult.FAILED

    def _log(self, run: _Run, now: datetime) -> None:
        results = run.results
        self.log(
            "sweep ended",
            due=run.due,
            settled=results[SweepResult.SETTLED],
            abandoned=results[SweepResult.ABANDONED],
            deleted=results[SweepResult.DELETED],
            purged=results[SweepResult.PURGED],
            failed=results[SweepResult.FAILED],
            # These are logged only where there are any.
            postponed=results[SweepResult.POSTPONED] or None,
            skipped=results[SweepResult.SKIPPED] or None,
            left=results[SweepResult.LEFT] or None,
            oldest_seconds=round((now - run.oldest).total_seconds()) if run.oldest else 0,
        )


def _order(alarm: Alarm) -> tuple[int, str]:
    """Put first what people wait for, and within that the oldest: a key begins with its time."""
    classes = list(AlarmClass)
    rank = classes.index(alarm.alarm_class) if alarm.alarm_class else len(classes)
    return rank, alarm.row_key
