"""From what the worker indexed to functions: bindings checked and resolved, by the host's rules."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from local.functions_host.app_settings import connection_string, expand, is_on
from local.functions_host.function_table import (
    Binding,
    Function,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
    Trigger,
)
from local.functions_host.keys import AuthLevel
from local.functions_host.ncrontab import parse_ncrontab
from local.functions_host.protos import RpcFunctionMetadata
from local.functions_host.routes import parse_route
from local.functions_host.start_error import HostStartError, IndexingError

# https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Utility.cs
_NAME = re.compile(r"(?!host$)[A-Za-z][A-Za-z0-9_-]{0,127}", re.IGNORECASE)
# https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata
_QUEUE_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """What bindings are resolved against."""

    settings: Mapping[str, str]
    route_prefix: str
    now: datetime


def build_functions(
    indexed: Iterable[RpcFunctionMetadata], context: AppContext
) -> tuple[Function, ...]:
    """Resolve every function, sorted by name: that is the order routes are tried in."""
    in_order = sorted(indexed, key=lambda each: str(each.name).lower())
    return tuple(_without_conflicts([_function(each, context) for each in in_order]))


def refuse_silent_errors(functions: Iterable[Function]) -> None:
    """Stop the start if a function would never run and nobody would be told."""
    # A route that conflicts has a trigger: whoever calls it sees the 404.
    silent = [each for each in functions if each.error and not (each.trigger or each.is_disabled)]
    if silent:
        raise HostStartError("\n".join(f"function '{each.name}': {each.error}" for each in silent))


def _function(indexed: RpcFunctionMetadata, context: AppContext) -> Function:
    function = Function(
        name=indexed.name,
        function_id=indexed.function_id,
        bindings=tuple(json.loads(raw) for raw in indexed.raw_bindings),
        is_disabled=is_on(f"AzureWebJobs.{indexed.name}.Disabled", context.settings),
    )
    _refuse_outputs(function)
    try:
        return dataclasses.replace(function, trigger=_trigger(function, context))
    except IndexingError as wrong:
        return dataclasses.replace(function, error=str(wrong))


def _without_conflicts(functions: Sequence[Function]) -> Iterator[Function]:
    """Switch off what claims a route of the host's, or one of a function before it."""
    # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Host/ScriptHost.cs
    routed: list[tuple[str, HttpTrigger]] = []
    for function in functions:
        error = None
        if isinstance(trigger := function.trigger, HttpTrigger) and not function.is_disabled:
            error = _route_error(trigger, routed)
            routed.append((function.name, trigger))
        yield dataclasses.replace(function, error=error) if error else function


def _route_error(trigger: HttpTrigger, routed: Iterable[tuple[str, HttpTrigger]]) -> str | None:
    if trigger.template.startswith("admin"):
        return "The specified route conflicts with one or more built in routes."
    for name, other in routed:
        overlap = trigger.methods & other.methods or not (trigger.methods and other.methods)
        if overlap and trigger.template == other.template:
            return f"The route specified conflicts with the route defined by function '{name}'."
    return None


def _trigger(function: Function, context: AppContext) -> Trigger:
    if not _NAME.fullmatch(function.name):
        raise IndexingError(f"'{function.name}' is not a function name that the host takes")
    binding = next(each for each in function.bindings if str(each["type"]).endswith("Trigger"))
    match binding["type"]:
        case "httpTrigger":
            return _http_trigger(function.name, binding, context)
        case "queueTrigger":
            return _queue_trigger(binding, context)
        case "timerTrigger":
            return _timer_trigger(binding, context)
    raise HostStartError(f"function '{function.name}': this host has no {binding['type']}")


def _http_trigger(name: str, binding: Binding, context: AppContext) -> HttpTrigger:
    route = str(binding.get("route", name)).strip("/")
    methods = binding.get("methods")
    return HttpTrigger(
        parameter=str(binding["name"]),
        template=route.lower(),
        route=parse_route(f"{context.route_prefix}/{route}"),
        methods=frozenset(methods if isinstance(methods, list) else ()),
        level=AuthLevel(str(binding["authLevel"]).lower()),
    )


def _timer_trigger(binding: Binding, context: AppContext) -> TimerTrigger:
    connection_string("Storage", context.settings)  # its status and its lock lie there
    schedule = parse_ncrontab(expand(str(binding["schedule"]), context.settings), context.now)
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#configuration
    is_monitored = binding.get("useMonitor") is not False
    if is_monitored and schedule.is_within_a_minute(context.now):
        is_monitored = False
    return TimerTrigger(
        parameter=str(binding["name"]),
        schedule=schedule,
        is_monitored=is_monitored,
        runs_on_startup=binding.get("runOnStartup") is True,
    )


def _refuse_outputs(function: Function) -> None:
    for binding in function.bindings:
        if str(binding["direction"]).upper() == "OUT" and binding["type"] != "http":
            raise HostStartError(
                f"function '{function.name}': this host has no output to a {binding['type']}"
            )


def _queue_trigger(binding: Binding, context: AppContext) -> QueueTrigger:
    queue = expand(str(binding["queueName"]), context.settings).lower()
    if not _QUEUE_NAME.fullmatch(queue):
        raise IndexingError(f"'{queue}' is no queue name: 3 to 63 letters, digits and single -")
    connection = str(binding.get("connection") or "Storage")
    return QueueTrigger(
        parameter=str(binding["name"]),
        queue=queue,
        connection=connection_string(connection, context.settings),
    )
