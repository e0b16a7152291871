"""The HTTP front: CORS, admin, home page, routes and keys, then the function."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError, HttpVersion11, hdrs, web

from local.functions_host import kestrel
from local.functions_host.admin_api import AdminApi
from local.functions_host.cors import Cors
from local.functions_host.function_table import Function, HttpTrigger
from local.functions_host.host_answers import add_missing_headers, empty, home_page, unauthorized
from local.functions_host.http_messages import (
    AnswerError,
    key_of_query,
    request_data,
    response_parts,
    worker_headers,
    worker_query,
)
from local.functions_host.invocations import Invocations
from local.functions_host.keys import HostKeys, presented_key
from local.functions_host.routes import path_segments
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
        if status := _refusal(request):
            _logger.warning("a request was refused before any function: %d", status)
            response = empty(status)
            response.force_close()
            return response
        try:
            response = self._with_headers(request, await self._answer(request))
        except AnswerError as wrong:
            _logger.error("an answer could not be sent: %s", wrong)  # noqa: TRY400 - no fault of ours
            response = empty(500)
            if wrong.keeps_headers:
                self._with_headers(request, response)
        except (ConnectionError, ClientError):
            response = empty(400)  # the caller went away amid the body
        except Exception:
            _logger.exception("the host itself failed")
            response = empty(500)
        took = round((time.monotonic() - began) * 1000)
        path = request.raw_path.partition("?")[0]
        _logger.info("%s %s %d %dms", request.method, path, response.status, took)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if self._rules.cors.is_preflight(request.method, request.headers):
            headers = self._rules.cors.preflight_headers(request.headers)
            if not headers:
                origin = request.headers[hdrs.ORIGIN]
                _logger.warning("CORS does not name %r: its page was refused", origin)
            return web.Response(status=204, headers=headers)
        if self._rules.cors.is_foreign_form(request.method, request.headers):
            _logger.warning("a form of a page that CORS does not name was refused")
            return empty(403)
        target = kestrel.Target.parse(request.raw_path)
        match [segment.lower() for segment in path_segments(target.path)]:
            case []:
                return home_page(is_disabled=self._rules.is_home_page_disabled)
            case ["admin", *rest]:
                return await self._admin.answer(request, rest, _key(request, target))
            case ["runtime", "webhooks", *_]:
                return unauthorized()
        return await self._run_first_match(request, target)

    async def _run_first_match(
        self, request: web.BaseRequest, target: kestrel.Target
    ) -> web.Response:
        for function, trigger in self._routed:
            params = trigger.route.match(target.path)
            if params is not None and request.method in (trigger.methods or {request.method}):
                key = _key(request, target)
                if not self._rules.keys.allow(trigger.level, function.name, key):
                    return empty(401)
                if (request.content_length or 0) > self._rules.body_limit:
                    return empty(500)
                call = await _make_call(trigger, request, target, params)
                return await self._run(function, call, request)
        return empty(404)

    async def _run(self, function: Function, call: Call, request: web.BaseRequest) -> web.Response:
        try:
            returned = await self._invocations.start(function, call)
        except FunctionFailedError:
            return empty(500)
        status, headers, body = response_parts(returned)
        response = web.Response(status=status, headers=headers, body=body)
        if body and request.version == HttpVersion11:
            response.enable_chunked_encoding()
        return response

    def _with_headers(self, request: web.BaseRequest, response: web.Response) -> web.Response:
        allowed = self._rules.cors.response_headers(request.headers)
        if vary := allowed.pop(hdrs.VARY, None):
            response.headers.add(hdrs.VARY, vary)  # beside the function's own
        response.headers.update(allowed)
        response.headers.setdefault(hdrs.SERVER, "Kestrel")
        add_missing_headers(response, self._rules.extra_headers)
        return response


def _refusal(request: web.BaseRequest) -> int | None:
    needs_host = request.version >= HttpVersion11
    return kestrel.refusal(
        request.method, request.raw_path, request.raw_headers, needs_host=needs_host
    )


async def _make_call(
    trigger: HttpTrigger,
    request: web.BaseRequest,
    target: kestrel.Target,
    params: Mapping[str, str],
) -> Call:
    data = request_data(
        method=request.method,
        url=target.url(request.headers.get(hdrs.HOST, "localhost")),
        headers=worker_headers(request.headers.items()),
        query=worker_query(target.query),
        params=params,
        body=await _read_bound_body(request),
    )
    return Call(
        parameter=trigger.parameter,
        data=data,
        trace_parent=request.headers.get("traceparent", ""),
        trace_state=request.headers.get("tracestate", ""),
    )


async def _read_bound_body(request: web.BaseRequest) -> bytes:
    # A chunked body has no Content-Length, and the real host then binds none:
    # https://github.com/Azure/azure-functions-host/issues/4926
    if not request.content_length:
        return b""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return await request.content.read()


def _key(request: web.BaseRequest, target: kestrel.Target) -> str | None:
    return presented_key(request.headers, key_of_query(worker_query(target.query)))
