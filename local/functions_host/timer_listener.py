"""A timer trigger: waits for its time, runs, stores what it did; it never overlaps itself."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError

from local.functions_host.function_table import Function, TimerTrigger
from local.functions_host.invocations import Invocations
from local.functions_host.protos import TypedData
from local.functions_host.timer_lock import TimerLock
from local.functions_host.timer_schedule import (
    TimerStatus,
    status_after_run,
    status_at_start,
    timer_payload,
)
from local.functions_host.timer_status_store import TimerStatusStore
from local.functions_host.worker import Call, FunctionFailedError

_logger = logging.getLogger(__name__)

_STORAGE_RETRY = timedelta(seconds=2)


class TimerListener:
    """Runs one function on its schedule, while this host has the timer's lock."""

    def __init__(
        self,
        function: Function,
        trigger: TimerTrigger,
        *,
        lock: TimerLock,
        statuses: TimerStatusStore | None,
        invocations: Invocations,
    ) -> None:
        """Take the schedule; without a store, missed runs are nobody's business."""
        self.function = function
        self._trigger = trigger
        self._lock = lock
        self._statuses = statuses
        self._invocations = invocations
        self._status: TimerStatus | None = None
        self._is_stopping = False
        self._interrupt = asyncio.Event()

    async def run(self) -> None:
        """Keep the schedule until stopped; a run under way is finished first."""
        while not self._is_stopping:
            self._interrupt.clear()
            if await self._acquire_lock():
                await self._run_as_owner()

    def stop(self) -> None:
        """Begin no further run."""
        self._is_stopping = True
        self._interrupt.set()

    def unscheduled_call(self, _given: str | None) -> Call:
        """Describe a run that somebody asked for; the schedule takes no notice of it."""
        return self._call(self._status, is_past_due=False)

    async def _acquire_lock(self) -> bool:
        """Take the lock, or else wait until it may be free."""
        try:
            if await self._lock.acquire():
                return True
            _logger.info("%s is run by another host for now", self.function.name)
            wait = self._lock.period
        except AzureError as refused:
            _logger.warning("%s waits for storage: %s", self.function.name, refused)
            wait = _STORAGE_RETRY
        await self._is_interrupted_within(wait)
        return False

    async def _run_as_owner(self) -> None:
        renewal = asyncio.create_task(self._renew_lock())
        try:
            status = await self._load_status()
            if status and not self._interrupt.is_set():
                await self._keep_schedule(status)
        finally:
            renewal.cancel()
            await self._lock.release()

    async def _renew_lock(self) -> None:
        while True:
            await asyncio.sleep(self._lock.period.total_seconds() / 2)
            if not await self._lock.renew():
                _logger.warning("%s may be run by another host now", self.function.name)
                self._interrupt.set()

    async def _keep_schedule(self, status: TimerStatus) -> None:
        if self._statuses and _now() > status.next:
            status = await self._run_once(status, is_past_due=True)
        elif self._trigger.runs_on_startup:
            status = await self._run_once(status, is_scheduled=False)
        while not await self._is_interrupted_within(status.next - _now()):
            status = await self._run_once(status)

    async def _load_status(self) -> TimerStatus | None:
        """Ask the store until it answers; None when interrupted first."""
        while True:
            try:
                stored = await self._statuses.load() if self._statuses else None
                status = status_at_start(stored, self._trigger.schedule, _now())
                if status != stored:
                    await self._save_status(status)
                self._status = status
            except AzureError as refused:
                _logger.warning("%s waits for storage: %s", self.function.name, refused)
            else:
                return status
            if await self._is_interrupted_within(_STORAGE_RETRY):
                return None

    async def _run_once(
        self, status: TimerStatus, *, is_past_due: bool = False, is_scheduled: bool = True
    ) -> TimerStatus:
        began = _now()
        call = self._call(status, is_past_due=is_past_due)
        with suppress(FunctionFailedError):  # it is in the log, and no error ends the schedule
            await self._invocations.start(self.function, call)
        after = status_after_run(
            status, self._trigger.schedule, began, is_scheduled=is_scheduled and not is_past_due
        )
        self._status = after
        try:
            await self._save_status(after)
        except AzureError as refused:
            _logger.warning("%s could not be stored: %s", self.function.name, refused)
        return after

    async def _save_status(self, status: TimerStatus) -> None:
        if self._statuses:
            await self._statuses.save(status)

    async def _is_interrupted_within(self, wait: timedelta) -> bool:
        try:
            async with asyncio.timeout(max(wait.total_seconds(), 0.001)):
                return await self._interrupt.wait()
        except TimeoutError:
            return False

    def _call(self, status: TimerStatus | None, *, is_past_due: bool) -> Call:
        payload = timer_payload(status if self._statuses else None, is_past_due=is_past_due)
        return Call(parameter=self._trigger.parameter, data=TypedData(json=payload))


def _now() -> datetime:
    return datetime.now(UTC)
