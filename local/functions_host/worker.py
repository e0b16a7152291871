"""The Python worker: Microsoft's azure-functions-runtime, driven in this process.

It keeps its state in module globals, so a process can run one app, and indexes it once.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import azure_functions_runtime as runtime  # type: ignore[import-untyped] # ships no types

from local.functions_host import protos
from local.functions_host.protos import Message, ParameterBinding, TypedData
from local.functions_host.start_error import HostStartError

# The runtime is told once what the app is; a host that is started again finds it here.
_indexed: dict[Path, Sequence[protos.RpcFunctionMetadata]] = {}


_PLACE = re.compile(r'File "(?:.*/)?([^"]+)", (line \d+)')


class FunctionFailedError(Exception):
    """The function did not end well: the whole reason, and one line of it."""

    def __init__(self, reason: str, summary: str | None = None) -> None:
        """Take a traceback, or a sentence that is its own summary."""
        super().__init__(reason)
        self.summary = summary or reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """W3C trace context, as the function sees it."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one invocation is given."""

    parameter: str
    data: TypedData
    metadata: Mapping[str, TypedData] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""
    is_tried_again: bool = False  # when it fails


class Worker:
    """The indexed app."""

    def __init__(self, functions: Sequence[protos.RpcFunctionMetadata]) -> None:
        """Use `start` instead."""
        self.functions = functions

    @classmethod
    async def start(cls, app_directory: Path) -> "Worker":
        """Index the app of an absolute path; what is wrong with it becomes one readable error."""
        if app_directory not in _indexed:
            _indexed[app_directory] = await _index(app_directory)
        runtime.start_threadpool_executor()
        return cls(_indexed[app_directory])

    async def invoke(
        self, function_id: str, invocation_id: str, call: Call, trace: TraceContext
    ) -> TypedData | None:
        """Run one function and give what it returned; a failure carries its own traceback."""
        response = await runtime.invocation_request(
            _request(invocation_request=_invocation(function_id, invocation_id, call, trace))
        )
        if response.result.status != protos.StatusResult.Success:
            failure = response.result.exception
            raise FunctionFailedError(failure.stack_trace.rstrip(), _summary(failure))
        returned: TypedData | None = response.return_value
        return returned

    def stop(self) -> None:
        """Let the threads of synchronous functions go; those still busy end by themselves."""
        if executor := runtime.get_threadpool_executor():
            executor.shutdown(wait=False, cancel_futures=True)


def _summary(failure: Message) -> str:
    first, *_ = str(failure.message).splitlines() or [""]
    places = _PLACE.findall(failure.stack_trace)
    return f"{first} ({', '.join(places[-1])})" if places else first


async def _index(directory: Path) -> Sequence[protos.RpcFunctionMetadata]:
    if _indexed:
        raise HostStartError("azure-functions-runtime runs one app in a process")
    if not (directory / "function_app.py").is_file():
        raise HostStartError(f"there is no function_app.py in {directory}")
    sys.path.insert(0, str(directory))
    ready = await runtime.worker_init_request(
        _request(
            worker_init_request=Message(capabilities={}, function_app_directory=str(directory))
        )
    )
    if ready.result.status != protos.StatusResult.Success:
        sys.path.remove(str(directory))
        wrong = ready.result.exception
        raise HostStartError(
            f"the app could not be loaded: {wrong.message}\n{wrong.stack_trace.rstrip()}"
        )
    found = await runtime.functions_metadata_request(_request())
    return found.function_metadata_results or []


def _request(**verb: Message) -> Message:
    properties = {"protos": protos, "host": "127.0.0.1"}
    return Message(request=Message(**verb), properties=properties)


def _invocation(function_id: str, invocation_id: str, call: Call, trace: TraceContext) -> Message:
    return Message(
        function_id=function_id,
        invocation_id=invocation_id,
        input_data=[ParameterBinding(name=call.parameter, data=call.data)],
        trigger_metadata=call.metadata,
        trace_context=trace,
        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
    )
