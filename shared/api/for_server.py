"""What your server may ask, opened by a function key or an access token."""

import asyncio
from functools import partial

import azure.functions as func

from shared.api import create_body, fields, json_body, replies
from shared.api.contract import ConsumeBody
from shared.api.door import current_caller
from shared.api.request_parts import read_body, session_id
from shared.api.responses import Reply
from shared.app import App
from shared.session import idempotency
from shared.session.session import Session
from shared.session.start_request import StartRequest
from shared.settings import Settings

_LARGE_BYTES = 1024 * 1024
# As callers know it: the prefix is host.json's default, and the host's name is whatever they used.
_SESSIONS_PATH = "/api/sessions"


async def start_session(app: App, req: func.HttpRequest) -> Reply:
    """Open a session and hand out its two tokens, this once."""
    request = await _parse(req, app.settings)
    key = idempotency.check_key(req.headers.get("Idempotency-Key"), request)
    started = await app.start.start(request, key, created_by=current_caller())
    return Reply(
        status=201,
        body=replies.start_reply(started, app.now()),
        headers={"Location": f"{_SESSIONS_PATH}/{started.session.session_id}"},
    )


async def get_result(app: App, req: func.HttpRequest) -> Reply:
    """Tell a server how a session ended."""
    return await _tell_result(app, await app.results.load(session_id(req)))


async def consume_result(app: App, req: func.HttpRequest) -> Reply:
    """Give a result to the first who makes use of it."""
    body = json_body.read_as_json(req.headers.get("Content-Type", ""), read_body(req))
    said = fields.take(body, ConsumeBody)
    return await _tell_result(app, await app.results.consume(session_id(req), said.consumer))


async def get_session_image(app: App, req: func.HttpRequest) -> Reply:
    """Give a server the picture that is kept of a check."""
    return Reply(status=200, image=await app.results.load_image(session_id(req)))


async def _tell_result(app: App, session: Session) -> Reply:
    ids = await app.persons.open_ids(session)
    return Reply(status=200, body=replies.result_reply(session, ids))


async def _parse(req: func.HttpRequest, settings: Settings) -> StartRequest:
    content_type, body = req.headers.get("Content-Type", ""), read_body(req)
    parse = partial(
        create_body.parse,
        content_type,
        body,
        max_token_seconds=settings.max_token_seconds,
        session_image=settings.session_image,
        client_reference_image=settings.client_reference_image,
    )
    # The app's one thread: a large form made for it takes long enough that others would wait.
    return await asyncio.to_thread(parse) if len(body) > _LARGE_BYTES else parse()
