"""Runs functions: an id, a time limit, one line in the log; loses none at the end."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

from azure_functions_runtime import (  # type: ignore[import-untyped] # ships no types
    invocation_id_cv,
)

from local.functions_host.function_table import Function, HttpTrigger
from local.functions_host.protos import TypedData
from local.functions_host.time_limit import EndProcess, time_limit
from local.functions_host.trace_parent import NO_TRACE, next_trace
from local.functions_host.worker import Call, FunctionFailedError, Worker

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationRules:
    """How functions are run.

    With a way to end the process, what takes too long is lost with it, as in Azure; without one
    it is canceled.
    """

    timeout: timedelta | None = None
    is_traced: bool = False  # without Application Insights nothing is, whatever a caller sends
    end_process: EndProcess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """How long what runs at a stop may still take: as long as in Azure."""

    requests: timedelta = timedelta(seconds=30)
    others: timedelta = timedelta(seconds=10)


class Invocations:
    """Every invocation that is under way."""

    def __init__(self, worker: Worker, rules: InvocationRules) -> None:
        """Take the worker."""
        self._worker = worker
        self._rules = rules
        self._requests: set[asyncio.Task[TypedData | None]] = set()
        self._others: set[asyncio.Task[TypedData | None]] = set()

    def start(self, function: Function, call: Call) -> asyncio.Task[TypedData | None]:
        """Begin an invocation; it is kept until its end, whoever waits for it."""
        task = asyncio.create_task(self._run(function, call), name=function.name)
        kind = self._requests if isinstance(function.trigger, HttpTrigger) else self._others
        kind.add(task)
        task.add_done_callback(kind.discard)
        task.add_done_callback(_look_at)
        return task

    async def drain(self, grace: Grace) -> None:
        """Let running invocations end; lose those that take longer."""
        async with asyncio.TaskGroup() as waits:
            waits.create_task(_wait(self._requests, grace.requests))
            waits.create_task(_wait(self._others, grace.others))
        late = self._requests | self._others
        for task in late:
            _logger.warning("%s was cut off by the stop", task.get_name())
        if late and self._rules.end_process:
            self._rules.end_process(0)
        for task in late:
            task.cancel()
        await _wait(late, timedelta(seconds=1))

    async def _run(self, function: Function, call: Call) -> TypedData | None:
        invocation_id = str(uuid.uuid4())
        invocation_id_cv.set(invocation_id)  # this task's own context: nothing to reset
        began = time.monotonic()
        try:
            returned = await self._invoke(function, invocation_id, call)
        except FunctionFailedError as failure:
            _log_failure(function, call, failure, _milliseconds_since(began))
            raise
        if not isinstance(function.trigger, HttpTrigger):  # a request has a line of its own
            _logger.info("%s succeeded in %dms", function.name, _milliseconds_since(began))
        return returned

    async def _invoke(self, function: Function, invocation_id: str, call: Call) -> TypedData | None:
        rules, trace = self._rules, NO_TRACE
        if rules.is_traced:
            trace = next_trace(call.trace_parent, call.trace_state)
        try:
            async with time_limit(function.name, rules.timeout, rules.end_process):
                return await self._worker.invoke(function.function_id, invocation_id, call, trace)
        except TimeoutError as late:
            raise FunctionFailedError(f"no end after functionTimeout, {rules.timeout}") from late
        except asyncio.CancelledError as canceled:
            if _is_being_canceled():
                raise
            raise FunctionFailedError("the function canceled itself") from canceled


def _look_at(task: asyncio.Task[TypedData | None]) -> None:
    # So that a failure nobody waited for (it is logged) is not reported again.
    if not task.cancelled():
        task.exception()


async def _wait(tasks: set[asyncio.Task[TypedData | None]], grace: timedelta) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=grace.total_seconds())


def _is_being_canceled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _log_failure(function: Function, call: Call, failure: FunctionFailedError, took: int) -> None:
    """Log one line for what is tried again, and the function's own traceback for what is not."""
    if call.is_tried_again:
        reason = failure.summary
        _logger.warning("%s failed after %dms, to be tried again: %s", function.name, took, reason)
    else:
        _logger.error("%s failed after %dms: %s", function.name, took, failure)


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
