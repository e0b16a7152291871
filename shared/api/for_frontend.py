"""What a frontend may ask, opened by its session's own token; it never learns an outcome."""

from collections.abc import Callable

import azure.functions as func

from shared.api import completion_body, replies
from shared.api.request_parts import credentials, read_body
from shared.api.responses import Reply, retry_later
from shared.composition import App
from shared.session.session import Status


async def get_session(app: App, req: func.HttpRequest) -> Reply:
    """Tell a frontend where its session is."""
    session = await app.flow.status(*credentials(req))
    body = replies.status_body(session, app.now())
    if session.status is Status.PROCESSING:
        return retry_later(200, body)
    return Reply(status=200, body=body)


async def complete_session(
    app: App, req: func.HttpRequest, *, enqueue: Callable[[str], None]
) -> Reply:
    """Take a frontend's word that its check is over."""
    report = completion_body.parse(req.headers.get("Content-Type", ""), read_body(req))
    session = await app.flow.complete(*credentials(req), report, enqueue)
    body = replies.complete_body(session)
    if session.status is Status.PROCESSING:
        return retry_later(202, body)
    return Reply(status=200, body=body)


async def cancel_session(app: App, req: func.HttpRequest) -> Reply:
    """Give a session up."""
    await app.flow.cancel(*credentials(req))
    return Reply(status=204)
