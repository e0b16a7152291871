"""What a frontend may ask, opened by its session's own token; it never learns an outcome."""

import azure.functions as func

from shared.api import completion_body, replies
from shared.api.request_parts import credentials, read_body
from shared.api.responses import Reply
from shared.app import App
from shared.session.session import Status


async def get_session(app: App, req: func.HttpRequest) -> Reply:
    """Tell a frontend where its session is."""
    session = await app.flow.load(*credentials(req))
    return Reply(status=200, body=replies.status_reply(session, app.now()))


async def complete_session(app: App, req: func.HttpRequest) -> Reply:
    """Take a frontend's word that its check is over."""
    report = completion_body.parse(req.headers.get("Content-Type", ""), read_body(req))
    session = await app.flow.complete(*credentials(req), report)
    status = 202 if session.status is Status.PROCESSING else 200
    return Reply(status=status, body=replies.complete_reply(session, app.now()))


async def cancel_session(app: App, req: func.HttpRequest) -> Reply:
    """Give a session up."""
    await app.flow.cancel(*credentials(req))
    return Reply(status=204)
