"""One way in, one way out: runs an endpoint and makes an HTTP answer of whatever came of it."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import azure.functions as func

from shared import errors, telemetry
from shared.errors import (
    AppError,
    CallerError,
    ConfigurationError,
    DependencyError,
    InvalidRequestError,
)

RETRY_AFTER_SECONDS = 5
_UNAVAILABLE = 503

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Expose-Headers": "Location, Retry-After, x-ms-request-id, x-ms-error-code",
}

# What each error is to a caller. Looked up along the error's ancestors, so the nearest one counts.
_STATUS_BY_ERROR: Mapping[type[AppError], tuple[int, str]] = {
    errors.InvalidRequestError: (400, "InvalidRequest"),
    errors.InvalidImageSizeError: (400, "InvalidImageSize"),
    errors.InvalidImageError: (400, "InvalidImage"),
    errors.SessionNotFoundError: (404, "SessionNotFound"),
    errors.SessionNotFinalError: (409, "SessionNotFinal"),
    errors.SessionConflictError: (409, "SessionConflict"),
    errors.IdempotencyKeyReusedError: (422, "IdempotencyKeyReused"),
    errors.ReferenceImageQualityError: (422, "ReferenceImageQuality"),
    errors.TooManySessionsError: (429, "TooManySessions"),
    errors.LengthRequiredError: (411, "LengthRequired"),
    errors.RequestTooLargeError: (413, "RequestTooLarge"),
    errors.UnsupportedMediaTypeError: (415, "UnsupportedMediaType"),
    errors.ConfigurationError: (500, "ConfigurationError"),
    errors.FaceRefusedError: (502, "FaceRefused"),
    errors.FaceUnavailableError: (503, "FaceUnavailable"),
    errors.KeyUnavailableError: (503, "KeyUnavailable"),
    errors.StoreUnavailableError: (503, "StoreUnavailable"),
}

# An error's own words are for the log; only a CallerError's were written for its caller.
_MESSAGES = {
    500: "The service is not configured.",
    502: "The service could not use Azure AI Face.",
    503: "The service cannot do this right now; try again later.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an endpoint answers."""

    status: int
    body: Mapping[str, object] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint = Callable[[func.HttpRequest], Awaitable[Reply]]


async def answer(
    endpoint: Endpoint, req: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """Run an endpoint; every known error becomes its status and code."""
    try:
        reply = await endpoint(req)
    except (CallerError, DependencyError, ConfigurationError) as error:
        reply = _error_reply(error)
    return _response(reply, context.invocation_id)


def retry_later(
    status: int, body: Mapping[str, object], *, seconds: int = RETRY_AFTER_SECONDS
) -> Reply:
    """Answer, and say in the body and in the header when to come back."""
    return Reply(
        status=status,
        body={**body, "retryAfterSeconds": seconds},
        headers={"Retry-After": str(seconds)},
    )


def _error_reply(error: AppError) -> Reply:
    status, code = next(
        _STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _STATUS_BY_ERROR
    )
    details: dict[str, object] = {"code": code, "message": _MESSAGES.get(status, str(error))}
    if isinstance(error, InvalidRequestError):
        details |= _error_details(error)
    telemetry.log_event("request refused", level=_level(error), code=code, cause=error)
    wait = error.retry_after_seconds
    if wait is None and status != _UNAVAILABLE:
        return Reply(status=status, body={"error": details}, headers={"x-ms-error-code": code})
    wait = wait or RETRY_AFTER_SECONDS
    reply = retry_later(status, {"error": details}, seconds=wait)
    return replace(reply, headers={**reply.headers, "x-ms-error-code": code})


def _level(error: AppError) -> int:
    if isinstance(error, ConfigurationError):
        return logging.ERROR
    return logging.WARNING if isinstance(error, DependencyError) else logging.INFO


def _error_details(error: InvalidRequestError) -> dict[str, object]:
    fault: dict[str, object] = {}
    if error.target:
        fault["target"] = error.target
    if error.face_code:
        fault["details"] = [{"code": error.face_code, "message": "Azure AI Face refused it."}]
    return fault


def _response(reply: Reply, invocation_id: str) -> func.HttpResponse:
    return func.HttpResponse(
        None if reply.body is None else json.dumps(reply.body),
        status_code=reply.status,
        headers={**_HEADERS, **reply.headers, "x-ms-request-id": invocation_id},
        mimetype="application/json",
    )
