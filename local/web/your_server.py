"""What your own server does for the page: it may call the app, and no browser ever may."""

import secrets
from collections.abc import Callable, Mapping
from io import BytesIO

import aiohttp
from aiohttp import web

from local.functions_host.keys import HostKeys
from local.ports import HOST, Ports

_OK, _CREATED = 200, 201
# The rest of what the app answers to a create, your server keeps to itself.
_FOR_THE_FRONTEND = ("sessionId", "sessionToken", "authToken", "kind", "expiresInSeconds")


# The headers that open the app.
type Opener = Callable[[], Mapping[str, str]]


def bring_key() -> Mapping[str, str]:
    """Come with the key that opens every route."""
    return {"x-functions-key": HostKeys().host[0]}


class YourServer:
    """Starts checks, and reads how they ended."""

    def __init__(
        self, http: aiohttp.ClientSession, ports: Ports, opener: Opener = bring_key
    ) -> None:
        """Call this stack's app."""
        self._opener = opener
        self._http = http
        self._ports = ports
        self._sessions = f"http://{HOST}:{ports.host}/api/sessions"

    def routes(self) -> list[web.RouteDef]:
        """List what the page may ask."""
        return [
            web.post("/server/start", self._start),
            web.get("/server/result/{id}", self._read_result),
            web.get("/server/image/{id}", self._read_image),
            web.get("/server/events/{id}", self._list_events),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        """Start a check of somebody new, with the picture if one came along."""
        form = await request.post()
        person = {"deviceCorrelationId": secrets.token_hex(16)}
        keeps = "enableSessionImage" in form
        picture = form.get("verifyImage")
        if isinstance(picture, web.FileField):
            data = aiohttp.FormData({**person, "enableSessionImage": str(keeps).lower()})
            image = BytesIO(picture.file.read())
            data.add_field("verifyImage", image, filename="picture", content_type="image/jpeg")
            call = self._http.post(self._sessions, headers=self._opener(), data=data)
        else:
            call = self._http.post(
                self._sessions, headers=self._opener(), json={**person, "enableSessionImage": keeps}
            )
        async with call as answer:
            if answer.status != _CREATED:
                return await _pass_on(answer)
            started = await answer.json()
        told = {name: started[name] for name in _FOR_THE_FRONTEND}
        app = {"appUrl": f"http://{request.url.host}:{self._ports.host}"}
        return web.json_response(told | app, status=_CREATED)

    async def _read_result(self, request: web.Request) -> web.Response:
        """Tell what only your server may know: the page shows both sides of the story."""
        url = self._url_of(request, "result")
        async with self._http.get(url, headers=self._opener()) as answer:
            return web.json_response({"status": answer.status, "body": await answer.json()})

    async def _read_image(self, request: web.Request) -> web.Response:
        async with self._http.get(self._url_of(request, "image"), headers=self._opener()) as answer:
            return await _pass_on(answer)

    async def _list_events(self, request: web.Request) -> web.Response:
        """List the events of a session that have come, if the stack has a topic at all."""
        url = f"http://{HOST}:{self._ports.face}/simulator/events"
        async with self._http.get(url) as answer:
            if answer.status != _OK:
                return web.json_response([])
            events = await answer.json()
        subject = f"sessions/{request.match_info['id']}"
        return web.json_response([event for event in events if event.get("subject") == subject])

    def _url_of(self, request: web.Request, what: str) -> str:
        return f"{self._sessions}/{request.match_info['id']}/{what}"


async def _pass_on(answer: aiohttp.ClientResponse) -> web.Response:
    kind = {"Content-Type": answer.headers.get("Content-Type", "application/octet-stream")}
    return web.Response(status=answer.status, body=await answer.read(), headers=kind)
