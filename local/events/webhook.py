"""Delivers events to one receiver as Event Grid does: a handshake first, then one event a POST."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from local.azure.access_tokens import TokenIssuer
from local.events.inbox import Event

ORIGIN = "eventgrid.azure.net"
# Event Grid's own in every tenant, and the role by which a receiver lets it in:
# https://learn.microsoft.com/azure/event-grid/secure-webhook-delivery
APPLICATION = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
ROLE = "AzureEventGridSecureWebhookSubscriber"

_TENANT = "11111111-1111-1111-1111-111111111111"
_SUCCESSES = range(200, 300)
_TOKEN_LIFE = timedelta(hours=1)
# As long as Event Grid waits; between its tries are hours in the end, which nobody has here:
# https://learn.microsoft.com/azure/event-grid/delivery-and-retry
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_WAITS_SECONDS = (0.1, 0.5, 1, 2, 5)


class HandshakeError(Exception):
    """The receiver has not said that it wants our events; the message says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where events go, and for whom their token is, if they carry one."""

    url: str
    audience: str | None = None


class Webhook:
    """Delivers what is offered, in order, to the one receiver that is set; without one, nowhere."""

    def __init__(self, issuer: TokenIssuer, now: Callable[[], datetime]) -> None:
        """Begin without a receiver; tokens are this issuer's."""
        self._issuer = issuer
        self._now = now
        self._events = asyncio.Queue[Event]()
        self._delivering: asyncio.Task[None] | None = None

    async def subscribe(self, receiver: Receiver) -> None:
        """Deliver to this receiver all that is offered from now on, if it wants that."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            await self._shake_hands(http, receiver)
        await self.aclose()
        self._events = asyncio.Queue()
        self._delivering = asyncio.create_task(self._deliver_all(receiver))

    def offer(self, event: Event) -> None:
        """Have an event delivered, if there is a receiver."""
        if self._delivering is not None:
            self._events.put_nowait(event)

    async def aclose(self) -> None:
        """Stop delivering."""
        if self._delivering is not None:
            self._delivering.cancel()
            await asyncio.wait([self._delivering])
            self._delivering = None

    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
    async def _shake_hands(self, http: aiohttp.ClientSession, receiver: Receiver) -> None:
        headers = {"WebHook-Request-Origin": ORIGIN, **self._authorization(receiver)}
        try:
            async with http.options(receiver.url, headers=headers, allow_redirects=False) as answer:
                allowed = answer.headers.get("WebHook-Allowed-Origin")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise HandshakeError(f"it cannot be reached: {type(error).__name__}") from error
        if answer.status not in _SUCCESSES or allowed not in {"*", ORIGIN}:
            raise HandshakeError(f"it answered {answer.status}, WebHook-Allowed-Origin {allowed}")

    async def _deliver_all(self, receiver: Receiver) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            while True:
                await self._deliver(http, receiver, await self._events.get())

    async def _deliver(self, http: aiohttp.ClientSession, receiver: Receiver, event: Event) -> None:
        for count, wait_seconds in enumerate(_WAITS_SECONDS):
            if await self._try_deliver(http, receiver, event, count):
                return
            await asyncio.sleep(wait_seconds)

    async def _try_deliver(
        self, http: aiohttp.ClientSession, receiver: Receiver, event: Event, count: int
    ) -> bool:
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "aeg-event-type": "Notification",
            "aeg-delivery-count": str(count),
            **self._authorization(receiver),
        }
        try:
            async with http.post(
                receiver.url, data=json.dumps(event), headers=headers, allow_redirects=False
            ) as answer:
                return answer.status in _SUCCESSES
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _authorization(self, receiver: Receiver) -> dict[str, str]:
        if receiver.audience is None:
            return {}
        now = self._now()
        claims = {
            "iss": f"https://sts.windows.net/{_TENANT}/",
            "tid": _TENANT,
            "aud": receiver.audience,
            "appid": APPLICATION,
            "roles": [ROLE],
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFE).timestamp()),
        }
        return {"Authorization": f"Bearer {self._issuer.issue(claims)}"}
