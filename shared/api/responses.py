"""One way in, one way out: runs an endpoint and makes an HTTP answer of whatever came of it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import azure.functions as func
from msgspec import UNSET, Raw, json

from shared import composition, telemetry, trace
from shared.api.contract import ErrorReply, ReplyBody, Retryable
from shared.api.door import Audience, check_caller, current_caller
from shared.app import App
from shared.errors import (
    AppError,
    CallerError,
    ConfigurationError,
    DependencyError,
    FaceOutcomeUnknownError,
    ImageNotFoundError,
    ReceiptNotFoundError,
    SessionNotFoundError,
    UnauthorizedError,
    UnreadableRecordError,
)
from shared.late_loading import load_later

with load_later():
    from shared.api import error_replies

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Expose-Headers": "Location, Retry-After, x-ms-request-id, x-ms-error-code",
}
_COUNTED_ERRORS = (
    SessionNotFoundError,
    ImageNotFoundError,
    ReceiptNotFoundError,
    UnauthorizedError,
)
_FRONTENDS_ERRORS = (CallerError, FaceOutcomeUnknownError)
# https://datatracker.ietf.org/doc/html/rfc6750#section-3
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an endpoint answers."""

    status: int
    body: ReplyBody | Raw | None = None
    image: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint = Callable[[App, func.HttpRequest], Awaitable[Reply]]


async def answer(
    endpoint: Endpoint,
    req: func.HttpRequest,
    context: func.Context,
    audience: Audience,
    *,
    misconfigured: Callable[[ConfigurationError], AppError] = lambda error: error,
) -> func.HttpResponse:
    """Run an endpoint on the app, for its audience; every known error becomes status and code."""
    # The platform's own, which is the caller's or begins one; without Application Insights it has
    # none: https://learn.microsoft.com/azure/azure-functions/functions-reference-python
    trace.follow_trace(context.trace_context.trace_parent or req.headers.get(trace.HEADER))
    try:
        app = composition.app()
        await check_caller(app, req, audience)
        _log_caller(context)
        reply = await endpoint(app, req)
    except (CallerError, DependencyError) as error:
        reply = _refuse(error, audience)
    except ConfigurationError as error:
        reply = _refuse(misconfigured(error), audience)
    return respond(reply, context)


def respond(reply: Reply, context: func.Context) -> func.HttpResponse:
    """Write a reply as HTTP, with the headers that every answer has."""
    body = None if reply.body is None else json.encode(reply.body)
    return func.HttpResponse(
        body if reply.image is None else reply.image,
        status_code=reply.status,
        headers={
            **_HEADERS,
            **_headers_of(reply.body),
            **reply.headers,
            "x-ms-request-id": context.invocation_id,
        },
        mimetype="application/json" if reply.image is None else "image/jpeg",
    )


def _log_caller(context: func.Context) -> None:
    if caller := current_caller():
        telemetry.log_event(
            "caller admitted",
            operation=context.function_name,
            app_id=caller.app_id,
            object_id=caller.object_id,
        )


def _refuse(error: AppError, audience: Audience) -> Reply:
    status, code = error_replies.status_of(error)
    caller = current_caller()
    of_face = error if isinstance(error, FaceOutcomeUnknownError) else None
    telemetry.log_event(
        "request refused",
        level=_level(error, audience),
        code=code,
        cause=error,
        face_request_id=of_face.request_id if of_face else None,
        client_request_id=of_face.client_request_id if of_face else None,
        app_id=caller.app_id if caller else None,
        object_id=caller.object_id if caller else None,
    )
    headers = _CHALLENGE if isinstance(error, UnauthorizedError) else {}
    return Reply(status=status, body=error_replies.error_reply(error), headers=headers)


def _level(error: AppError, audience: Audience) -> int:
    # Anybody may ask for sessions that are not there, may make tokens up, and may send a frontend's
    # route what is no report; requests count all that, at no cost in lines. That Face had no answer
    # for a cancel was told then, and is not told again of each one that comes too soon after it.
    is_of_anybody = audience is Audience.FRONTEND and isinstance(error, _FRONTENDS_ERRORS)
    if is_of_anybody or isinstance(error, _COUNTED_ERRORS):
        return logging.DEBUG
    if isinstance(error, ConfigurationError | UnreadableRecordError):
        return logging.ERROR
    return logging.WARNING if isinstance(error, DependencyError) else logging.INFO


def _headers_of(body: ReplyBody | Raw | None) -> dict[str, str]:
    """Say in headers, too, what a body says to whoever handles answers without reading them."""
    headers = {}
    if isinstance(body, ErrorReply):
        headers["x-ms-error-code"] = body.error.code
    if isinstance(body, Retryable) and body.retry_after_seconds is not UNSET:
        headers["Retry-After"] = str(body.retry_after_seconds)
    return headers
