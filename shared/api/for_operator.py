"""What an operator may ask, opened by a function key or an access token."""

import azure.functions as func

from shared.api.contract import EventReply
from shared.api.request_parts import session_id
from shared.api.responses import Reply
from shared.composition import App


async def resend_event(app: App, req: func.HttpRequest) -> Reply:
    """Have your server told once more how a session ended."""
    known = session_id(req)
    await app.flow.resend_event(known)
    return Reply(status=202, body=EventReply(session_id=known))
