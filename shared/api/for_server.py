"""What your server may ask, opened by a function key."""

import azure.functions as func

from shared.api import create_body, replies
from shared.api.request_parts import read_body, session_id
from shared.api.responses import Reply
from shared.composition import App
from shared.session import idempotency


async def start_session(app: App, req: func.HttpRequest) -> Reply:
    """Open a session and hand out its two tokens, this once."""
    request = create_body.parse(
        req.headers.get("Content-Type", ""),
        read_body(req),
        max_token_seconds=app.settings.max_token_seconds,
    )
    key = idempotency.check(req.headers.get("Idempotency-Key"))
    started = await app.start.start(request, key)
    return Reply(
        status=201,
        body=replies.start_reply(started, app.now()),
        headers={"Location": _session_url(req.url, started.session.session_id)},
    )


async def get_result(app: App, req: func.HttpRequest) -> Reply:
    """Tell a server how a session ended."""
    session = await app.flow.load_result(session_id(req))
    return Reply(status=200, body=replies.result_reply(session))


def _session_url(url: str, session_id: str) -> str:
    return f"{url.partition('?')[0].rstrip('/')}/{session_id}"
