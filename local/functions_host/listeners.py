"""Every listener of the app: started together, stopped together."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from local.functions_host.function_table import (
    Function,
    QueueTrigger,
    TimerTrigger,
)
from local.functions_host.host_blobs import HostBlobs
from local.functions_host.host_json import QueueOptions
from local.functions_host.invocations import Invocations
from local.functions_host.queue_listener import QueueListener
from local.functions_host.queue_storage import QueueStorage
from local.functions_host.timer_listener import TimerListener
from local.functions_host.timer_lock import TimerLock
from local.functions_host.timer_status_store import TimerStatusStore

_logger = logging.getLogger(__name__)


class Listeners:
    """The queue and timer listeners."""

    def __init__(  # noqa: PLR0913 - the parts that listeners are made of, by keyword
        self,
        functions: Sequence[Function],
        *,
        options: QueueOptions,
        storage: QueueStorage,
        blobs: HostBlobs,
        timer_lease: timedelta,
        invocations: Invocations,
    ) -> None:
        """Make one listener for each queue or timer trigger."""
        self._invocations = invocations
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: dict[str, QueueListener | TimerListener] = {}
        for function in functions:
            match function.trigger:
                case QueueTrigger() as trigger:
                    self._listeners[function.name] = QueueListener(
                        function,
                        trigger,
                        options=options,
                        storage=storage,
                        invocations=invocations,
                    )
                case TimerTrigger() as trigger:
                    self._listeners[function.name] = TimerListener(
                        function,
                        trigger,
                        lock=TimerLock(blobs, function.name, timer_lease),
                        statuses=TimerStatusStore(blobs, function.name)
                        if trigger.is_monitored
                        else None,
                        invocations=invocations,
                    )

    def start(self) -> None:
        """Begin to listen, but for functions that are switched off."""
        for listener in self._listeners.values():
            if listener.function.is_on:
                task = asyncio.create_task(listener.run(), name=type(listener).__name__)
                task.add_done_callback(_report_death)
                self._tasks.add(task)

    async def stop(self, grace: timedelta) -> None:
        """Take nothing more, and let what is at hand be finished."""
        for listener in self._listeners.values():
            listener.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace.total_seconds())

    async def cancel(self) -> None:
        """Give up what was not finished in time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def run_unscheduled(self, function: Function, given: str | None) -> None:
        """Start a function on an administrator's word; its end is seen in the log."""
        if listener := self._listeners.get(function.name):
            self._invocations.start(function, listener.unscheduled_call(given))
        else:
            _logger.error("%s failed: %s", function.name, function.error or "it wants a request")


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()):
        _logger.error("a %s died", task.get_name(), exc_info=fault)
