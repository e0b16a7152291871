"""The HTTP front: CORS, admin, home page, routes and keys, then the function."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError, hdrs, web

from local.functions_host.admin_api import AdminApi
from local.functions_host.cors import Cors
from local.functions_host.function_table import Function, HttpTrigger
from local.functions_host.host_answers import add_missing_headers, empty, home_page
from local.functions_host.http_messages import (
    joined,
    key_of_query,
    request_data,
    response_parts,
    worker_headers,
    worker_query,
)
from local.functions_host.invocations import Invocations
from local.functions_host.keys import HostKeys, presented_key
from local.functions_host.routes import path_segments
from local.functions_host.trace_parent import next_trace
from local.functions_host.worker import Call, FunctionFailedError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRules:
    """What is decided before a function is run, and what every answer gets."""

    cors: Cors
    keys: HostKeys
    body_limit: int
    is_home_page_disabled: bool = False
    extra_headers: Mapping[str, str] = field(default_factory=dict)


class HttpFront:
    """Answers every request; register `handle` with a server."""

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        rules: HttpRules,
        admin: AdminApi,
        invocations: Invocations,
    ) -> None:
        """Take the functions in the order in which their routes are tried."""
        self._routed = [
            (function, function.trigger)
            for function in functions
            if isinstance(function.trigger, HttpTrigger) and function.is_on
        ]
        self._rules = rules
        self._admin = admin
        self._invocations = invocations

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request and log it, without its query: keys travel there."""
        began = time.monotonic()
        try:
            response = await self._answer(request)
        except FunctionFailedError:
            response = empty(500)
        except (ConnectionError, ClientError):
            response = empty(400)  # the caller went away amid the body
        except Exception:
            _logger.exception("the host itself failed")
            response = empty(500)
        took = round((time.monotonic() - began) * 1000)
        path = request.rel_url.raw_path
        _logger.info("%s %s %d %dms", request.method, path, response.status, took)
        return self._with_headers(request, response)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if self._rules.cors.is_preflight(request.method, request.headers):
            headers = self._rules.cors.preflight_headers(request.headers)
            return web.Response(status=204, headers=headers)
        segments = path_segments(request.rel_url.raw_path)
        if not segments:
            return home_page(is_disabled=self._rules.is_home_page_disabled)
        if segments[0].lower() == "admin":
            return await self._admin.answer(request, segments, _key(request))
        return await self._run_first_match(request)

    async def _run_first_match(self, request: web.BaseRequest) -> web.Response:
        for function, trigger in self._routed:
            params = trigger.route.match(request.rel_url.raw_path)
            if params is not None and request.method in (trigger.methods or {request.method}):
                if self._rules.keys.allow(trigger.level, function.name, _key(request)):
                    return await self._run(function, trigger, request, params)
                return empty(401)
        return empty(404)

    async def _run(
        self,
        function: Function,
        trigger: HttpTrigger,
        request: web.BaseRequest,
        params: Mapping[str, str],
    ) -> web.Response:
        if (request.content_length or 0) > self._rules.body_limit:
            return empty(413)
        data = request_data(
            method=request.method,
            url=_absolute_url(request),
            headers=worker_headers(request.headers.items()),
            params=params,
            body=await _bound_body(request),
        )
        trace = next_trace(
            request.headers.get("traceparent", ""), request.headers.get("tracestate", "")
        )
        call = Call(parameter=trigger.parameter, data=data, trace=trace)
        returned = await self._invocations.start(function, call)
        status, headers, body = response_parts(returned)
        headers.popall(hdrs.CONTENT_LENGTH, None)  # the server counts by itself
        return web.Response(status=status, headers=headers, body=body)

    def _with_headers(self, request: web.BaseRequest, response: web.Response) -> web.Response:
        allowed = self._rules.cors.response_headers(request.headers)
        if vary := allowed.pop(hdrs.VARY, None):
            response.headers.add(hdrs.VARY, vary)  # beside the function's own
        response.headers.update(allowed)
        response.headers.setdefault(hdrs.SERVER, "Kestrel")
        add_missing_headers(response, self._rules.extra_headers)
        return response


async def _bound_body(request: web.BaseRequest) -> bytes:
    # A chunked body has no Content-Length, and the real host then binds none:
    # https://github.com/Azure/azure-functions-host/issues/4926
    if not request.content_length:
        return b""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return await request.content.read()


def _absolute_url(request: web.BaseRequest) -> str:
    return f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}"


def _key(request: web.BaseRequest) -> str | None:
    query = worker_query(request.rel_url.raw_query_string)
    return presented_key(request.headers, key_of_query(joined(query.items())))
