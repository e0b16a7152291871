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
from shared.flow.ports import SessionStore, Telemetry
from shared.flow.session_flow import LivenessFlow
from shared.session.alarm import Alarm
from shared.session.session import SHARDS

_AT_ONCE = 8
# Well before the function's time-out (host.json), after which the worker would be killed at work;
# what is left stays due, and the next tick takes it up.
LONGEST_RUN_SECONDS = 120
# Another sweep, or a caller, was first.
_OUTRUN = (StoreConflictError, SessionConflictError, SessionNotFoundError)
# What a strange row can raise in code that trusts its own rows.
_STRANGE = (UnreadableRecordError, ArithmeticError, LookupError, TypeError, ValueError)
# What every run tells, also where it is 0.
_TOLD = ("due", "settled", "abandoned", "deleted", "purged", "failed")


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What one run has seen and done."""

    ends_at: float
    done: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(_TOLD, 0)))
    oldest: datetime | None = None

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends_at

    def see(self, alarm: Alarm) -> None:
        self.done["due"] += 1
        if alarm.rang_at and (self.oldest is None or alarm.rang_at < self.oldest):
            self.oldest = alarm.rang_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Rings the due alarms of all shards."""

    flow: LivenessFlow
    store: SessionStore
    now: Callable[[], datetime]
    note: Telemetry
    longest_run_seconds: float = LONGEST_RUN_SECONDS

    async def run(self) -> None:
        """Do what is due now, and tell in one fact what that was."""
        now = self.now()
        tally = _Tally(ends_at=asyncio.get_running_loop().time() + self.longest_run_seconds)
        alarms: asyncio.Queue[Alarm] = asyncio.Queue(maxsize=_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work_off(alarms, tally))
            # All shards at once, so that a full one cannot starve the others.
            async with asyncio.TaskGroup() as finders:
                for shard in SHARDS:
                    finders.create_task(self._find(shard, now, alarms, tally))
            alarms.shutdown()
        age = (now - tally.oldest).total_seconds() if tally.oldest else 0
        self.note("sweep ended", **tally.done, oldest_seconds=round(age))

    async def _find(
        self, shard: str, now: datetime, alarms: asyncio.Queue[Alarm], tally: _Tally
    ) -> None:
        try:
            async for alarm in self.store.due(shard, now):
                if tally.is_over:
                    return
                tally.see(alarm)
                await alarms.put(alarm)
                # A put into a queue with room does not let the others have their turn.
                await asyncio.sleep(0)
        except StoreUnavailableError as error:
            self.note("shard set aside", shard=shard, cause=error)
            tally.done["failed"] += 1

    async def _work_off(self, alarms: asyncio.Queue[Alarm], tally: _Tally) -> None:
        while True:
            try:
                alarm = await alarms.get()
            except asyncio.QueueShutDown:
                return
            tally.done["left" if tally.is_over else await self._ring(alarm)] += 1

    async def _ring(self, alarm: Alarm) -> str:
        try:
            if alarm.session_id is None:
                return await self._end_claim(alarm)
            return await self.flow.ring(alarm.session_id, alarm)
        except _STRANGE as error:
            return await self._set_aside(alarm, error)
        except _OUTRUN:
            return "skipped"
        except AppError as error:
            self.note("session failed", session_id=alarm.session_id, cause=error)
            return "failed"

    async def _end_claim(self, alarm: Alarm) -> str:
        try:
            await self.store.end_claim(alarm)
        except StoreConflictError as error:
            # Another sweep was first, or there is no such key: then its alarm must go.
            return await self._set_aside(alarm, error)
        return "purged"

    async def _set_aside(self, alarm: Alarm, cause: Exception) -> str:
        try:
            await self.store.set_aside(alarm, self.now())
        except StoreConflictError:
            # The alarm is gone: another sweep was first.
            return "skipped"
        except AppError as error:
            self.note("session failed", session_id=alarm.session_id, cause=error)
        else:
            self.note("session set aside", session_id=alarm.session_id, cause=cause)
        return "failed"
