"""How invocations end: with a worker whose functions end when they are told to."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from local.functions_host.function_table import Function, HttpTrigger
from local.functions_host.invocations import Grace, InvocationRules, Invocations
from local.functions_host.keys import AuthLevel
from local.functions_host.protos import TypedData
from local.functions_host.routes import parse_route
from local.functions_host.time_limit import EXIT_FUNCTION_TIMEOUT
from local.functions_host.worker import (
    Call,
    FunctionFailedError,
    TraceContext,
    Worker,
)
from tests.support import virtual_time

_CALL = Call(parameter="p", data=TypedData(string=""))
_MESSAGE = Function(name="message", function_id="message", bindings=())
_REQUEST = Function(
    name="request",
    function_id="request",
    bindings=(),
    trigger=HttpTrigger(
        parameter="p",
        template="a",
        route=parse_route("a"),
        methods=frozenset(),
        level=AuthLevel.ANONYMOUS,
    ),
)


class GatedWorker(Worker):
    """Ends an invocation when its gate is opened."""

    def __init__(self) -> None:
        super().__init__(())
        self.gates = {name: asyncio.Event() for name in ("message", "request")}

    async def invoke(
        self, function_id: str, invocation_id: str, call: Call, trace: TraceContext
    ) -> TypedData | None:
        del invocation_id, call, trace
        await self.gates[function_id].wait()
        return None


def invocations(
    worker: Worker,
    *,
    timeout: timedelta | None = None,
    end_process: Callable[[int], None] | None = None,
) -> Invocations:
    rules = InvocationRules(timeout=timeout, end_process=end_process)
    return Invocations(worker, rules)


def test_grace_is_that_of_azure() -> None:
    assert (Grace().requests.total_seconds(), Grace().others.total_seconds()) == (30, 10)


@pytest.mark.parametrize("ends_process", [True, False], ids=["by process", "by cancel"])
async def test_at_a_stop_requests_may_end_and_messages_that_take_too_long_are_lost(
    *, ends_process: bool
) -> None:
    worker, codes = GatedWorker(), list[int]()
    running = invocations(worker, end_process=codes.append if ends_process else None)
    request, message = running.start(_REQUEST, _CALL), running.start(_MESSAGE, _CALL)

    stopping = asyncio.create_task(running.drain(Grace(others=timedelta(0))))
    await asyncio.sleep(0)
    worker.gates["request"].set()
    await stopping

    assert await request is None
    assert message.cancelled()
    assert codes == ([0] if ends_process else [])


async def test_without_a_way_to_end_the_process_a_timeout_ends_the_call_alone() -> None:
    worker = GatedWorker()
    running = invocations(worker, timeout=timedelta(milliseconds=10))

    with pytest.raises(FunctionFailedError, match="functionTimeout"):
        await running.start(_REQUEST, _CALL)


def test_timeout_ends_the_process_and_not_the_call() -> None:
    async def outlast() -> int:
        worker, ended = GatedWorker(), asyncio.get_running_loop().create_future()
        limit = timedelta(milliseconds=10)
        running = invocations(worker, timeout=limit, end_process=ended.set_result)
        call = running.start(_REQUEST, _CALL)

        code: int = await ended
        assert not call.done()
        worker.gates["request"].set()
        await call
        return code

    assert virtual_time.run(outlast()) == EXIT_FUNCTION_TIMEOUT
