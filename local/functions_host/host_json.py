"""The part of host.json that this host honors, with the `AzureFunctionsJobHost__` overrides."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.functions_host.http_messages import is_sendable
from local.functions_host.start_error import HostStartError

# https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
_OVERRIDE = "AzureFunctionsJobHost__"
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")
_MAX_BATCH_SIZE = 32
_MIN_POLLING_INTERVAL = timedelta(milliseconds=100)

type _Section = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """How queues are listened to."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta(0)
    max_polling_interval: timedelta = timedelta(minutes=1)
    is_base64: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """Everything that host.json decides here."""

    route_prefix: str
    extra_headers: Mapping[str, str]
    queues: QueueOptions
    function_timeout: timedelta | None


def read_host_options(app_directory: Path, settings: Mapping[str, str]) -> HostOptions:
    """Read host.json and the settings that override it."""
    host = _with_overrides(_read(app_directory / "host.json"), settings)
    extensions = _section(host, "extensions")
    http = _section(extensions, "http")
    return HostOptions(
        route_prefix=str(http.get("routeprefix", "api")).strip("/"),
        extra_headers=_custom_headers(http) | _hsts_header(http),
        queues=_queue_options(_section(extensions, "queues")),
        function_timeout=_function_timeout(str(host.get("functiontimeout", "00:30:00"))),
    )


def time_span(text: str) -> timedelta:
    """Read .NET's `[d.]hh:mm[:ss]`."""
    found = _TIME_SPAN.fullmatch(text.strip())
    if found is None:
        raise HostStartError(f"host.json: '{text}' is not a time span such as 00:00:15")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _read(path: Path) -> _Section:
    try:
        host = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as missing:
        raise HostStartError(f"there is no host.json in {path.parent}") from missing
    except ValueError as broken:
        raise HostStartError(f"host.json is not valid JSON: {broken}") from broken
    if not isinstance(host, dict) or host.get("version") != "2.0":
        raise HostStartError('host.json must be an object with "version": "2.0"')
    return _folded(host)


def _folded(section: Mapping[str, object]) -> _Section:
    """Fold keys to lower case, for .NET's configuration does not tell cases apart."""
    return {
        key.lower(): _folded(value)
        if isinstance(value, dict) and key.lower() != "customheaders"
        else value
        for key, value in section.items()
    }


def _with_overrides(host: _Section, settings: Mapping[str, str]) -> _Section:
    for name, value in settings.items():
        if name.lower().startswith(_OVERRIDE.lower()):
            *sections, last = name[len(_OVERRIDE) :].lower().split("__")
            target = host
            for section in sections:
                target = _section(target, section)
            target[last] = value
    return host


def _section(parent: _Section, name: str) -> _Section:
    section = parent.setdefault(name, {})
    if not isinstance(section, dict):
        raise HostStartError(f"host.json: '{name}' must be an object")
    return section


def _custom_headers(http: _Section) -> dict[str, str]:
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#customheaders
    headers = {name: str(value) for name, value in _section(http, "customheaders").items()}
    if not all(is_sendable(*header) for header in headers.items()):
        raise HostStartError("host.json: customHeaders must be plain ASCII")
    return headers


def _hsts_header(http: _Section) -> dict[str, str]:
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hsts
    hsts = _section(http, "hsts")
    if str(hsts.get("isenabled", False)).lower() != "true":
        return {}
    age = str(hsts.get("maxage", "30"))
    seconds = (timedelta(days=int(age)) if age.isdigit() else time_span(age)).total_seconds()
    flags = {"includesubdomains": "; includeSubDomains", "preload": "; preload"}
    tail = "".join(text for key, text in flags.items() if str(hsts.get(key)).lower() == "true")
    return {"Strict-Transport-Security": f"max-age={seconds:.0f}{tail}"}


def _queue_options(queues: _Section) -> QueueOptions:
    batch_size = _number(queues, "batchsize", 16, minimum=1)
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
    threshold = batch_size // 2 * (os.process_cpu_count() or 1)
    encoding = str(queues.get("messageencoding", "base64")).lower()
    polling = time_span(str(queues.get("maxpollinginterval", "00:01:00")))
    if batch_size > _MAX_BATCH_SIZE:
        raise HostStartError(f"host.json: batchSize must not exceed {_MAX_BATCH_SIZE}")
    if polling < _MIN_POLLING_INTERVAL:
        raise HostStartError("host.json: maxPollingInterval must be at least 100 ms")
    if encoding not in {"base64", "none"}:
        raise HostStartError("host.json: messageEncoding must be base64 or none")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_number(queues, "newbatchthreshold", threshold, minimum=0),
        max_dequeue_count=_number(queues, "maxdequeuecount", 5, minimum=1),
        visibility_timeout=time_span(str(queues.get("visibilitytimeout", "00:00:00"))),
        max_polling_interval=polling,
        is_base64=encoding == "base64",
    )


def _number(section: _Section, name: str, default: int, *, minimum: int) -> int:
    value = str(section.get(name, default))
    if not value.isdigit() or int(value) < minimum:
        raise HostStartError(f"host.json: '{name}' must be a whole number from {minimum} up")
    return int(value)


def _function_timeout(text: str) -> timedelta | None:
    if text.strip() == "-1":
        return None
    if not (timeout := time_span(text)):
        raise HostStartError("host.json: functionTimeout must be longer than nothing")
    return timeout
