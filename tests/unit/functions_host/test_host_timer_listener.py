"""Who runs a timer: the listener with a lock that answers as it is told."""

import asyncio
from datetime import UTC, datetime, timedelta

from local.functions_host.function_table import Function, TimerTrigger
from local.functions_host.invocations import Invocations
from local.functions_host.ncrontab import parse_ncrontab
from local.functions_host.protos import TypedData
from local.functions_host.timer_listener import TimerListener
from local.functions_host.timer_lock import TimerLock
from local.functions_host.worker import Call


class ScriptedLock(TimerLock):
    """Grants and keeps itself as scripted, and then for ever; tells when it was granted."""

    def __init__(self, *, grants: list[bool], keeps: list[bool]) -> None:
        self.period = timedelta(milliseconds=20)
        self.calls: list[str] = []
        self.granted = asyncio.Semaphore(0)
        self._grants, self._keeps = grants, keeps

    async def acquire(self) -> bool:
        is_granted = self._grants.pop(0) if self._grants else True
        self.calls.append("granted" if is_granted else "refused")
        if is_granted:
            self.granted.release()
        return is_granted

    async def renew(self) -> bool:
        return self._keeps.pop(0) if self._keeps else True

    async def release(self) -> None:
        self.calls.append("released")


class Runs(Invocations):
    """Takes runs, and tells of the first."""

    def __init__(self) -> None:
        self.first = asyncio.Event()

    def start(self, function: Function, call: Call) -> asyncio.Task[TypedData | None]:
        del function, call
        return asyncio.create_task(self._run_nothing())

    async def _run_nothing(self) -> TypedData | None:
        self.first.set()
        return None


def listener(lock: ScriptedLock, runs: Runs, schedule: str) -> TimerListener:
    trigger = TimerTrigger(
        parameter="timer",
        schedule=parse_ncrontab(schedule, datetime.now(UTC)),
        is_monitored=False,
        runs_on_startup=False,
    )
    function = Function(name="tick", function_id="1", bindings=(), trigger=trigger)
    return TimerListener(
        function,
        trigger,
        lock=lock,
        statuses=None,
        invocations=runs,
    )


async def test_timer_of_another_host_is_taken_over_when_its_lock_is_free() -> None:
    lock, runs = ScriptedLock(grants=[False, False], keeps=[]), Runs()
    timer = listener(lock, runs, "* * * * * *")

    running = asyncio.create_task(timer.run())
    await asyncio.wait_for(runs.first.wait(), 20)
    timer.stop()
    await running

    assert lock.calls == ["refused", "refused", "granted", "released"]


async def test_timer_whose_lock_was_lost_waits_for_it_again() -> None:
    lock, runs = ScriptedLock(grants=[True, False], keeps=[True, False]), Runs()
    timer = listener(lock, runs, "0 0 0 1 1 *")

    running = asyncio.create_task(timer.run())
    for _ in range(2):
        await asyncio.wait_for(lock.granted.acquire(), 20)
    timer.stop()
    await running

    assert lock.calls == ["granted", "released", "refused", "granted", "released"]
    assert not runs.first.is_set()
