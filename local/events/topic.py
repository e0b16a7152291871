"""A custom topic of Event Grid, for CloudEvents only and without keys."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from local.azure.access_tokens import TokenIssuer, bearer
from local.azure_error import error_body
from local.events.inbox import Event, EventInbox
from local.faults import wire
from local.faults.fault import FaultQueue

PATH = "/api/events"
AUDIENCE = "https://eventgrid.azure.net"

_BATCH = "application/cloudevents-batch+json"
# The whole of it, for there is no body: https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/eventgrid/Azure.Messaging.EventGrid/tests/SessionRecords/EventGridClientLiveTests/CanPublishCloudEventAAD.json
_ON_SUCCESS = {
    "api-supported-versions": "2018-01-01",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
_REQUIRED = ("id", "source", "type")
# https://learn.microsoft.com/azure/event-grid/quotas-limits
_MAX_BYTES = 1024 * 1024


class TopicSimulator:
    """Takes batches from whoever has a token of our own identity endpoint for Event Grid."""

    def __init__(
        self,
        inbox: EventInbox,
        issuer: TokenIssuer,
        faults: FaultQueue,
        now: Callable[[], datetime],
    ) -> None:
        """Take the tokens of this issuer, until they expire in real time."""
        self._inbox = inbox
        self._issuer = issuer
        self._faults = faults
        self._now = now

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_post(PATH, self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        async def carry_out() -> web.StreamResponse:
            return await self._take(request)

        return await wire.answer(request, self._faults.take("topic"), carry_out)

    async def _take(self, request: web.Request) -> web.Response:
        if not self._is_open_to(bearer(request.headers.get("Authorization"))):
            return _error(401, "Unauthorized", "The token is missing, expired or not for us.")
        if request.content_type != _BATCH or "api-version" not in request.query:
            return _error(400, "BadRequest", f"There must be an api-version and a {_BATCH}.")
        events = _read_batch(await request.read())
        if events is None:
            return _error(400, "BadRequest", "The body is no batch of CloudEvents 1.0.")
        for event in events:
            self._inbox.add(event)
        return web.Response(headers={**_ON_SUCCESS, "x-ms-request-id": str(uuid.uuid4())})

    def _is_open_to(self, token: str | None) -> bool:
        claims = self._issuer.read(token or "") or {}
        is_ours = str(claims.get("aud")).rstrip("/") == AUDIENCE
        return is_ours and float(str(claims["exp"])) > self._now().timestamp()


def _read_batch(body: bytes) -> list[Event] | None:
    try:
        events = json.loads(body)
    except ValueError:
        return None
    return events if isinstance(events, list) and all(map(_is_cloud_event, events)) else None


# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
def _is_cloud_event(event: object) -> bool:
    return (
        isinstance(event, dict)
        and event.get("specversion") == "1.0"
        and all(isinstance(event.get(name), str) and event[name] for name in _REQUIRED)
    )


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response(error_body(code, message), status=status)
