"""Requests as the platform hands them over, and what comes back."""

from dataclasses import dataclass
from typing import cast

import azure.functions as func
import msgspec

from shared.api.responses import Reply
from tests.support.builders import SESSION_ID, TOKEN

URL = "https://app.test/api/sessions"


@dataclass(frozen=True)
class _TraceContext:
    trace_parent: str


@dataclass(frozen=True)
class _Context:
    function_name: str
    trace_context: _TraceContext
    invocation_id: str = "invocation-1"


def a_context(function_name: str = "get_result", *, trace_parent: str = "") -> func.Context:
    """Say what the platform says about an invocation, as far as we look."""
    context = _Context(function_name=function_name, trace_context=_TraceContext(trace_parent))
    return cast("func.Context", context)


def a_create(body: bytes = b"", **headers: str) -> func.HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest(method="POST", url=URL, headers=named, body=body)


def a_call(
    body: bytes = b"",
    *,
    session_id: str = SESSION_ID,
    token: str | None = TOKEN.reveal(),
    content_type: str = "application/json",
) -> func.HttpRequest:
    headers = {"Content-Type": content_type}
    if token is not None:
        headers["X-Session-Token"] = token
    return func.HttpRequest(
        method="POST",
        url=f"{URL}/{SESSION_ID}",
        headers=headers,
        route_params={"session_id": session_id},
        body=body,
    )


def body_of(reply: Reply) -> dict[str, object]:
    """Read a reply's body as its caller will."""
    body: dict[str, object] = msgspec.json.decode(msgspec.json.encode(reply.body))
    return body
