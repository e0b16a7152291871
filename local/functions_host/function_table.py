"""The app's functions, as the worker indexed them: triggers and outputs, checked and resolved."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from local.functions_host.app_settings import connection_string, expand, is_on
from local.functions_host.keys import AuthLevel
from local.functions_host.ncrontab import Ncrontab, parse_ncrontab
from local.functions_host.protos import RpcFunctionMetadata
from local.functions_host.routes import Route, parse_route
from local.functions_host.start_error import HostStartError

# https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Utility.cs
_NAME = re.compile(r"(?!host$)[A-Za-z][A-Za-z0-9_-]{0,127}", re.IGNORECASE)

type _Binding = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTrigger:
    """A route and who may call it; no methods means all of them."""

    parameter: str
    route: Route
    methods: frozenset[str]
    level: AuthLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger:
    """A queue whose messages start the function."""

    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A schedule that starts the function."""

    parameter: str
    schedule: Ncrontab
    is_monitored: bool
    runs_on_startup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOutput:
    """A queue that takes what the function leaves in this parameter."""

    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what starts it, and where its output goes."""

    name: str
    function_id: str
    trigger: HttpTrigger | QueueTrigger | TimerTrigger
    outputs: tuple[QueueOutput, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """What bindings are resolved against."""

    settings: Mapping[str, str]
    route_prefix: str
    now: datetime


def build_functions(
    indexed: Iterable[RpcFunctionMetadata], context: AppContext
) -> tuple[Function, ...]:
    """Resolve every enabled function, sorted by name: that is the order routes are tried in."""
    enabled = [
        each
        for each in indexed
        if not is_on(f"AzureWebJobs.{each.name}.Disabled", context.settings)
    ]
    return tuple(_function(each, context) for each in sorted(enabled, key=_folded_name))


def _folded_name(indexed: RpcFunctionMetadata) -> str:
    return str(indexed.name).lower()


def _function(indexed: RpcFunctionMetadata, context: AppContext) -> Function:
    bindings = [json.loads(raw) for raw in indexed.raw_bindings]
    try:
        return Function(
            name=_checked_name(indexed.name),
            function_id=indexed.function_id,
            trigger=_trigger(indexed.name, bindings, context),
            outputs=tuple(_output(each, context) for each in bindings if _is_output(each)),
        )
    except HostStartError as wrong:
        raise HostStartError(f"function '{indexed.name}': {wrong}") from wrong


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HostStartError("this is not a function name that the host takes")
    return name


def _trigger(
    name: str, bindings: list[_Binding], context: AppContext
) -> HttpTrigger | QueueTrigger | TimerTrigger:
    binding = next(each for each in bindings if str(each["type"]).endswith("Trigger"))
    match binding["type"]:
        case "httpTrigger":
            return _http_trigger(name, binding, context)
        case "queueTrigger":
            return QueueTrigger(**_queue(binding, context))
        case "timerTrigger":
            return _timer_trigger(binding, context)
    raise HostStartError(f"this host has no {binding['type']}")


def _http_trigger(name: str, binding: _Binding, context: AppContext) -> HttpTrigger:
    template = f"{context.route_prefix}/{binding.get('route', name)}"
    methods = binding.get("methods")
    return HttpTrigger(
        parameter=str(binding["name"]),
        route=parse_route(template),
        methods=frozenset(methods if isinstance(methods, list) else ()),
        level=AuthLevel(str(binding["authLevel"]).lower()),
    )


def _timer_trigger(binding: _Binding, context: AppContext) -> TimerTrigger:
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


def _is_output(binding: _Binding) -> bool:
    return str(binding["direction"]).upper() == "OUT" and binding["type"] != "http"


def _output(binding: _Binding, context: AppContext) -> QueueOutput:
    if binding["type"] != "queue":
        raise HostStartError(f"this host has no output to a {binding['type']}")
    return QueueOutput(**_queue(binding, context))


def _queue(binding: _Binding, context: AppContext) -> dict[str, str]:
    return {
        "parameter": str(binding["name"]),
        "queue": expand(str(binding["queueName"]), context.settings).lower(),
        "connection": connection_string(
            str(binding.get("connection") or "Storage"), context.settings
        ),
    }
