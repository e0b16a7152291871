"""Every alarm that is due, whoever waits first; neither a bad session nor Face stops the others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from shared.errors import (
    AppError,
    FaceOutcomeUnknownError,
    SessionConflictError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow.erasure import Erasure
from shared.flow.face_watch import Asked, FaceWatch
from shared.flow.ports import LogEvent, SessionStore
from shared.flow.sweep_run import ANSWERED, SweepRun
from shared.flow.walk import Walk
from shared.session import stops
from shared.session.alarm import Alarm, AlarmClass, SweepResult
from shared.session.shard import SHARDS, Shard

# A run reads what is due before it works: so much it holds, an equal share of each shard.
MAX_DUE = 20_000
_CONCURRENCY = 8
# Less than a tick, so that what is reported while thousands are due is first in the next run; and
# well before the function's time-out (host.json), after which the worker would be killed at work.
MAX_RUN_SECONDS = 50
# Another sweep, or a caller, was first.
_LOST_RACE_ERRORS = (StoreConflictError, SessionConflictError, SessionNotFoundError)
# What a corrupt row can raise in code that trusts its own rows.
_CORRUPT_ROW_ERRORS = (UnreadableRecordError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Has the walk handle the due alarms of all shards."""

    walk: Walk
    erasure: Erasure
    store: SessionStore
    now: Callable[[], datetime]
    log: LogEvent
    max_run_seconds: float = MAX_RUN_SECONDS
    # The keys of those that Face has not answered since it last answered any: others go first,
    # so that a session which fails for itself alone cannot keep Face from being heard.
    _unanswered: set[str] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Do what is due now, and log in one event what that was."""
        ends_at = asyncio.get_running_loop().time() + self.max_run_seconds
        run = SweepRun(began=self.now(), ends_at=ends_at)
        alarms = sorted(await self._read_due(run), key=self._order)
        run.due = len(alarms)
        with_face, without_face = list[Alarm](), list[Alarm]()
        for alarm in alarms:
            needs_face = alarm.alarm_class is not None and alarm.alarm_class.needs_face
            (with_face if needs_face else without_face).append(alarm)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work_with_face(with_face, run))
            group.create_task(self._work_without_face(without_face, run))
        await self._postpone_unanswered(run)
        run.log(self.log)

    def _order(self, alarm: Alarm) -> tuple[int, bool, str]:
        """Put first what people wait for, and of that the oldest: a key begins with its time."""
        classes = list(AlarmClass)
        rank = classes.index(alarm.alarm_class) if alarm.alarm_class else len(classes)
        return rank, alarm.row_key in self._unanswered, alarm.row_key

    async def _read_due(self, run: SweepRun) -> list[Alarm]:
        shards = await asyncio.gather(*(self._read_shard(shard, run) for shard in SHARDS))
        return [alarm for alarms in shards for alarm in alarms]

    async def _read_shard(self, shard: Shard, run: SweepRun) -> list[Alarm]:
        try:
            return await self.store.list_due(shard, run.began, limit=MAX_DUE // len(SHARDS))
        except StoreUnavailableError as error:
            self.log("shard set aside", shard=shard, cause=error)
            run.results[SweepResult.FAILED] += 1
            return []

    async def _work_without_face(self, alarms: Sequence[Alarm], run: SweepRun) -> None:
        for batch in batched(alarms, _CONCURRENCY, strict=False):
            if run.is_over:
                run.record_all(batch, SweepResult.LEFT)
            else:
                asked = await self._handle_together(batch, run)
                run.record_all(asked.held, SweepResult.HELD)

    async def _work_with_face(self, alarms: Sequence[Alarm], run: SweepRun) -> None:
        """Work while Face answers; whoever is left then stays due."""
        waiting, watch = deque(alarms), FaceWatch()
        while waiting and not run.is_over and not watch.is_away:
            if watch.is_in_doubt:
                batch = [self._take_another(waiting)]
            else:
                batch = [waiting.popleft() for _ in range(min(watch.concurrency, len(waiting)))]
            asked = await self._handle_together(batch, run)
            waiting.extendleft(reversed(asked.held))
            watch.learn(asked)
            if asked.held and not watch.is_away:
                await asyncio.sleep(min(asked.retry_after_seconds, run.seconds_left))
        run.record_all(waiting, SweepResult.LEFT if run.is_over else SweepResult.HELD)

    def _take_another(self, waiting: deque[Alarm]) -> Alarm:
        unknown = (one for one in reversed(waiting) if one.row_key not in self._unanswered)
        another = next(unknown, waiting[-1])
        waiting.remove(another)
        return another

    async def _handle_together(self, batch: Sequence[Alarm], run: SweepRun) -> Asked:
        asked = Asked()
        handled = await asyncio.gather(*(self._handle(alarm) for alarm in batch))
        for alarm, result in zip(batch, handled, strict=True):
            if isinstance(result, SweepResult):
                run.record(alarm, result)
                asked.has_answer |= result in ANSWERED
            elif result.is_breaker_open:
                asked.held.append(alarm)
                asked.retry_after_seconds = result.retry_after_seconds or 1
            else:
                asked.unanswered += 1
                run.unanswered.append(alarm)
        return asked

    async def _handle(self, alarm: Alarm) -> SweepResult | FaceOutcomeUnknownError:
        """Return what came of an alarm, or why Face had no answer."""
        try:
            return await self._guard(alarm, self._handle_once(alarm))
        except FaceOutcomeUnknownError as error:
            return error

    async def _handle_once(self, alarm: Alarm) -> SweepResult:
        if alarm.alarm_class is AlarmClass.ERASURE:
            return await self.erasure.handle_alarm(alarm)
        if alarm.session_id is None:
            return await self._end_record(alarm)
        return await self.walk.handle_alarm(alarm.session_id, alarm)

    async def _postpone_unanswered(self, run: SweepRun) -> None:
        """Move on those that Face did not answer, if it did answer others in this run."""
        if run.has_face_answered:
            self._unanswered.clear()
        for alarm in run.unanswered:
            result = SweepResult.HELD
            if run.has_face_answered and alarm.session_id is not None:
                result = await self._guard(alarm, self.walk.postpone(alarm.session_id))
            else:
                self._unanswered.add(alarm.row_key)
            run.record(alarm, result)

    async def _guard(self, alarm: Alarm, work: Awaitable[SweepResult]) -> SweepResult:
        try:
            return await work
        except FaceOutcomeUnknownError:
            raise
        except _CORRUPT_ROW_ERRORS as error:
            return await self._postpone_unreadable(alarm, error)
        except _LOST_RACE_ERRORS:
            return SweepResult.SKIPPED
        except AppError as error:
            self.log("session failed", session_id=alarm.session_id, cause=error)
            return SweepResult.FAILED

    async def _end_record(self, alarm: Alarm) -> SweepResult:
        await self.store.end_record(alarm)
        return SweepResult.PURGED

    async def _postpone_unreadable(self, alarm: Alarm, cause: Exception) -> SweepResult:
        try:
            keep_for = stops.max_unreadable(self.walk.rules.retention)
            await self.store.postpone_unreadable(alarm, self.now(), keep_for)
        except StoreConflictError:
            # The alarm is gone: another sweep was first.
            return SweepResult.SKIPPED
        except AppError as error:
            self.log("session failed", session_id=alarm.session_id, cause=error)
        else:
            self.log("session set aside", session_id=alarm.session_id, cause=cause)
        return SweepResult.FAILED
