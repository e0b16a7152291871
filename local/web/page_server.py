"""The page's server: its files, your server, the buttons, and the timeline as it grows."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from local.azure_error import error_body
from local.faults.wire import Handler
from local.ports import Ports
from local.web import api_reference
from local.web.controls import Controls
from local.web.timeline import Timeline
from local.web.your_server import Opener, YourServer

_STATIC = Path(__file__).parent / "static"
# The TypeScript client, where somebody has built it; the page has a smaller one of its own.
_BUILT_CLIENT = Path(__file__).parents[2] / "clients" / "typescript" / "dist"
_MAX_BODY = 16 * 1024 * 1024

_PAUSE_SECONDS = 0.2
# Now and then something is written, by which a browser that has gone is noticed.
_PULSE = 25

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self' http://127.0.0.1:* http://localhost:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ON_EVERY_ANSWER = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def application(
    ports: Ports, timeline: Timeline, http: aiohttp.ClientSession, opener: Opener
) -> web.Application:
    """Build the web application; your server comes to the app with what the opener gives."""
    middlewares = [_refuse_other_sites, _tell_of_silence]
    app = web.Application(middlewares=middlewares, client_max_size=_MAX_BODY)
    app.add_routes(
        [
            web.get("/", _file("index.html")),
            web.get("/azure-ai-vision-face-ui.js", _file("azure-ai-vision-face-ui.js")),
            web.static("/page", _STATIC),
            web.static("/client", _BUILT_CLIENT if _BUILT_CLIENT.exists() else _STATIC / "client"),
            *api_reference.routes(),
            web.get("/server/timeline", _Stream(timeline).answer),
            *YourServer(http, ports, opener).routes(),
            *Controls(http, ports).routes(),
        ]
    )
    app.on_response_prepare.append(_stamp)
    return app


class _Stream:
    """Tells a browser of the timeline for as long as it listens."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send all there is, then what is new or has changed."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # Whoever has gone is noticed by the next thing that is written.
        with contextlib.suppress(ConnectionError):
            async for text in self._texts():
                await response.write(text.encode())
        return response

    async def _texts(self) -> AsyncIterator[str]:
        revision = 0
        for beat in itertools.count():
            self._timeline.collect()
            changes = [entry.as_json() for entry in self._timeline.changes_since(revision)]
            revision = self._timeline.revision
            if changes:
                yield f"data: {json.dumps(changes)}\n\n"
            elif beat % _PULSE == 0:
                yield ":\n\n"
            await asyncio.sleep(_PAUSE_SECONDS)


def _file(name: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_STATIC / name)

    return answer


@web.middleware
async def _refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no page but ours use what your server can do."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin not in {None, f"http://{request.host}"}:
        raise web.HTTPForbidden(text="This is not the page's own origin.")
    return await handler(request)


@web.middleware
async def _tell_of_silence(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except aiohttp.ClientError:
        message = "What the page needs of the stack does not answer as it should."
        return web.json_response(error_body("Unavailable", message), status=502)


async def _stamp(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_ON_EVERY_ANSWER)
    if request.path == api_reference.PATH:
        response.headers["Content-Security-Policy"] = api_reference.POLICY
    if not request.path.startswith("/server/"):
        # Any frontend in development may import the stand-in for the SDK.
        response.headers["Access-Control-Allow-Origin"] = "*"
