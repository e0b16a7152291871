"""What the endpoints read off a request: its body, and which session it is about."""

import azure.functions as func

from shared.errors import LengthRequiredError, RequestTooLargeError, UnsupportedMediaTypeError
from shared.secret import Secret

MAX_BYTES = 8 * 1024 * 1024


def read_body(req: func.HttpRequest) -> bytes:
    """Return the body, unless it is one that the platform or we do not take."""
    # The platform binds no body that has no length: https://github.com/Azure/azure-functions-host/issues/4926
    if "chunked" in req.headers.get("Transfer-Encoding", "").lower():
        raise LengthRequiredError("send the body with a Content-Length, not in chunks")
    if req.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaTypeError("send the body as it is, without a Content-Encoding")
    body = req.get_body()
    if len(body) > MAX_BYTES:
        raise RequestTooLargeError("a body may have 8 MiB at most")
    return body


def session_id(req: func.HttpRequest) -> str:
    """Name the session that the path names, whatever it looks like."""
    named: str = req.route_params.get("session_id", "")
    return named


def credentials(req: func.HttpRequest) -> tuple[str, Secret]:
    """Return what a frontend opens its session with."""
    return session_id(req), Secret(req.headers.get("X-Session-Token", ""))
