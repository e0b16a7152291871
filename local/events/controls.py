"""The control routes for events: what came, and who gets it too."""

from aiohttp import web

from local.events.inbox import EventInbox
from local.events.webhook import HandshakeError, Receiver, Webhook
from local.face import control_bodies
from local.face.control_bodies import BadControlError


class EventControl:
    """Shows and forgets what came, and sets the webhook."""

    def __init__(self, inbox: EventInbox, webhook: Webhook) -> None:
        """Control these two."""
        self._inbox = inbox
        self._webhook = webhook

    def routes(self) -> list[web.RouteDef]:
        """List the control routes."""
        return [
            web.get("/simulator/events", self._list),
            web.delete("/simulator/events", self._forget),
            web.post("/simulator/webhook", self._set_webhook),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(self._inbox.as_json())

    async def _forget(self, _request: web.Request) -> web.Response:
        self._inbox.clear()
        return web.Response(status=204)

    async def _set_webhook(self, request: web.Request) -> web.Response:
        receiver = _read_receiver(await request.read())
        try:
            await (self._webhook.subscribe(receiver) if receiver else self._webhook.aclose())
        except HandshakeError as error:
            raise BadControlError(f"the receiver does not want events: {error}") from error
        return web.Response(status=204)


def _read_receiver(body: bytes) -> Receiver | None:
    if body.strip() == b"null":
        return None
    fields = control_bodies.read(body, {"url", "audience"})
    if "url" not in fields:
        raise BadControlError("url is missing: an address, or null for none")
    url, audience = fields["url"], fields.get("audience")
    if url is None:
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise BadControlError("url must be the address of a receiver, http or https, or null")
    if audience is not None and not (isinstance(audience, str) and audience):
        raise BadControlError("audience must be a text that is not empty")
    return Receiver(url=url, audience=audience)
