"""Every alarm that is due, at a bounded pace; one bad session never stops the others."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import AppError, StoreUnavailableError
from shared.liveness_flow import LivenessFlow
from shared.ports import Alarm, SessionStore, Telemetry
from shared.sessions import SHARDS

_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Rings the due alarms of all shards."""

    flow: LivenessFlow
    store: SessionStore
    now: Callable[[], datetime]
    note: Telemetry

    async def run(self) -> None:
        """Do what is due now, and tell in one fact what that was."""
        done: Counter[str] = Counter(due=0, failed=0)
        alarms: asyncio.Queue[Alarm] = asyncio.Queue(maxsize=_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work_off(alarms, done))
            for shard in SHARDS:
                await self._find(shard, alarms, done)
            alarms.shutdown()
        self.note("sweep ended", **done)

    async def _find(self, shard: str, alarms: asyncio.Queue[Alarm], done: Counter[str]) -> None:
        try:
            async for alarm in self.store.due(shard, self.now()):
                done["due"] += 1
                await alarms.put(alarm)
        except StoreUnavailableError as error:
            self.note("shard set aside", cause=error)
            done["failed"] += 1

    async def _work_off(self, alarms: asyncio.Queue[Alarm], done: Counter[str]) -> None:
        while True:
            try:
                alarm = await alarms.get()
            except asyncio.QueueShutDown:
                return
            done[await self._ring(alarm)] += 1

    async def _ring(self, alarm: Alarm) -> str:
        try:
            return await self.flow.ring(alarm.session_id)
        except AppError as error:
            self.note("session set aside", session_id=alarm.session_id, cause=error)
            return "failed"
