"""Every alarm that is due, at a bounded pace; one bad session never stops the others."""

import asyncio
from collections import Counter
from collections.abc import Callable
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
from shared.session.alarm import Alarm, SweepResult
from shared.session.shard import SHARDS, Shard

_CONCURRENCY = 8
# Well before the function's time-out (host.json), after which the worker would be killed at work;
# what is left stays due, and the next tick takes it up.
MAX_RUN_SECONDS = 120
# Another sweep, or a caller, was first.
_LOST_RACE_ERRORS = (StoreConflictError, SessionConflictError, SessionNotFoundError)
# What a corrupt row can raise in code that trusts its own rows.
_CORRUPT_ROW_ERRORS = (UnreadableRecordError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(slots=True, kw_only=True)
class _SweepStats:
    """What one run has seen and done."""

    ends_at: float
    due: int = 0
    results: Counter[SweepResult] = field(default_factory=Counter)
    oldest: datetime | None = None

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends_at

    def record(self, alarm: Alarm) -> None:
        self.due += 1
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
        stats = _SweepStats(ends_at=asyncio.get_running_loop().time() + self.max_run_seconds)
        alarms: asyncio.Queue[Alarm] = asyncio.Queue(maxsize=_CONCURRENCY)
        async with asyncio.TaskGroup() as group:
            for _ in range(_CONCURRENCY):
                group.create_task(self._consume(alarms, stats))
            # All shards at once, so that a full one cannot starve the others.
            async with asyncio.TaskGroup() as producers:
                for shard in SHARDS:
                    producers.create_task(self._produce(shard, now, alarms, stats))
            alarms.shutdown()
        self._log(stats, now)

    async def _produce(
        self, shard: Shard, now: datetime, alarms: asyncio.Queue[Alarm], stats: _SweepStats
    ) -> None:
        try:
            async for alarm in self.store.list_due(shard, now):
                if stats.is_over:
                    return
                stats.record(alarm)
                await alarms.put(alarm)
                # A put into a queue with room does not let the others have their turn.
                await asyncio.sleep(0)
        except StoreUnavailableError as error:
            self.log("shard set aside", shard=shard, cause=error)
            stats.results[SweepResult.FAILED] += 1

    async def _consume(self, alarms: asyncio.Queue[Alarm], stats: _SweepStats) -> None:
        while True:
            try:
                alarm = await alarms.get()
            except asyncio.QueueShutDown:
                return
            result = SweepResult.LEFT if stats.is_over else await self._handle(alarm)
            stats.results[result] += 1

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

    def _log(self, stats: _SweepStats, now: datetime) -> None:
        results = stats.results
        self.log(
            "sweep ended",
            due=stats.due,
            settled=results[SweepResult.SETTLED],
            abandoned=results[SweepResult.ABANDONED],
            deleted=results[SweepResult.DELETED],
            purged=results[SweepResult.PURGED],
            failed=results[SweepResult.FAILED],
            # These are logged only where there are any.
            postponed=results[SweepResult.POSTPONED] or None,
            skipped=results[SweepResult.SKIPPED] or None,
            left=results[SweepResult.LEFT] or None,
            oldest_seconds=round((now - stats.oldest).total_seconds()) if stats.oldest else 0,
        )
