"""Faults as callers feel them: late answers, error answers, broken and missing ones."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.azure_error import error_body
from local.faults.fault import Fault, WireFault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CODES = {
    400: "BadArgument",
    401: "401",
    403: "UnsupportedFeature",
    404: "SessionNotFound",
    409: "ConcurrentOperationConflict",
    429: "429",
}
_GARBAGE = b"<html>\xff\x00 this is no JSON"


class _NoResponse(web.Response):
    """Stands for an answer that was never sent."""


async def answer(
    request: web.Request,
    fault: Fault | None,
    carry_out: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Carry the call out, unless a fault befalls it."""
    if fault is None:
        return await carry_out()
    await asyncio.sleep(fault.delay_ms / 1000)
    if fault.is_only_late:
        return await carry_out()
    if fault.kind is WireFault.LOST:
        await carry_out()
    return await _fail(request, fault)


def sent_status(response: web.StreamResponse) -> int:
    """Return the status that went out: 0 where nothing did."""
    return 0 if isinstance(response, _NoResponse) else response.status


async def _fail(request: web.Request, fault: Fault) -> web.StreamResponse:
    match fault.kind:
        case WireFault.RESET:
            return _reset(request)
        case WireFault.LOST:
            return _hang_up(request)
        case WireFault.TRUNCATE:
            return await _truncate(request, fault)
        case WireFault.GARBAGE:
            status = fault.status or 200
            return web.Response(status=status, body=_GARBAGE, content_type="application/json")
        case None:
            return _error(fault)


def _error(fault: Fault) -> web.Response:
    status = fault.status or 500
    code = fault.code or _CODES.get(status, "Unspecified")
    after = fault.retry_after_seconds
    headers = {} if after is None else {"Retry-After": str(after)}
    if fault.body is not None:
        kind = "application/json" if fault.body.startswith("{") else "text/html"
        return web.Response(status=status, text=fault.body, content_type=kind, headers=headers)
    return web.json_response(error_body(code, "A scripted fault."), status=status, headers=headers)


def _reset(request: web.Request) -> _NoResponse:
    transport = request.transport
    if transport is not None:
        # Lingering for no time makes the close a reset, as from a machine that went away.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return _NoResponse()


def _hang_up(request: web.Request) -> _NoResponse:
    if request.transport is not None:
        request.transport.close()
    return _NoResponse()


async def _truncate(request: web.Request, fault: Fault) -> web.StreamResponse:
    whole = json.dumps({"sessionId": "cut-short", "authToken": "", "status": "Succeeded"}).encode()
    response = web.StreamResponse(status=fault.status or 200)
    response.content_type = "application/json"
    response.content_length = len(whole)
    # Who has waited too long for a late answer has hung up.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
