"""A receiver is asked before it gets anything, and then gets each event as from Event Grid."""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from local.azure.access_tokens import TokenIssuer
from local.azure.certificate import TRUSTED
from local.clock import real_now
from local.events import topic, webhook
from local.ports import HOST
from local.stack.simulator_server import serve
from tests.support.face_calls import FaceCalls

AUDIENCE = "api://receiver"


@dataclass
class Receiver:
    """A server of ours that says yes, and then what a test has laid in wait."""

    url: str
    allowed_origin: str | None = "*"
    statuses: deque[int] = field(default_factory=deque)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    came: asyncio.Queue[web.Request] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            self.asked.append(request.headers)
            allowed = self.allowed_origin
            return web.Response(headers={"WebHook-Allowed-Origin": allowed} if allowed else {})
        await request.read()
        self.came.put_nowait(request)
        return web.Response(status=self.statuses.popleft() if self.statuses else 200)

    async def next_event(self) -> Any:  # noqa: ANN401 - JSON
        async with asyncio.timeout(30):
            return json.loads(await (await self.came.get()).read())


@pytest.fixture
async def receiver(face: FaceCalls) -> AsyncIterator[Receiver]:
    receiver = Receiver(url=f"http://{HOST}:{face.ports.host}/events?shop=7")
    app = web.Application()
    app.router.add_route("*", "/events", receiver.answer)
    async with serve(app, face.ports.host):
        yield receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends to the topic as the app would."""

    face: FaceCalls
    folder: Path

    async def send(self, *names: str) -> None:
        exp = int((real_now() + timedelta(hours=1)).timestamp())
        issuer = TokenIssuer(self.folder / "identity-key.pem")
        headers = {
            "Authorization": f"Bearer {issuer.issue({'aud': topic.AUDIENCE, 'exp': exp})}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        tls = ssl.create_default_context(cafile=str(self.folder / TRUSTED))
        url = f"https://{HOST}:{self.face.ports.topic}{topic.PATH}?api-version=2018-01-01"
        batch = json.dumps([an_event(name) for name in names])
        async with self.face.http.post(url, data=batch, headers=headers, ssl=tls) as answer:
            assert answer.status == 200


@pytest.fixture
def sender(face: FaceCalls, tmp_path: Path) -> Sender:
    return Sender(face=face, folder=tmp_path)


def an_event(name: str) -> dict[str, object]:
    return {"specversion": "1.0", "id": name, "source": "/s", "type": "T", "data": {"a": None}}


async def test_each_event_from_then_on_comes_alone_after_a_handshake(
    face: FaceCalls, receiver: Receiver, sender: Sender
) -> None:
    await sender.send("too early")

    assert (await face.control("webhook", url=receiver.url)).status == 204
    await sender.send("1", "2")
    await sender.send("3")

    assert [headers["WebHook-Request-Origin"] for headers in receiver.asked] == [webhook.ORIGIN]
    first = await receiver.came.get()
    assert first.path_qs == "/events?shop=7"
    assert first.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert "Authorization" not in first.headers
    assert json.loads(await first.read()) == an_event("1")
    assert [await receiver.next_event() for _ in range(2)] == [an_event("2"), an_event("3")]


@pytest.mark.parametrize("allowed", [None, "somebody.else"])
async def test_a_receiver_that_does_not_allow_it_gets_nothing(
    face: FaceCalls, receiver: Receiver, sender: Sender, allowed: str | None
) -> None:
    receiver.allowed_origin = allowed

    refused = await face.control("webhook", url=receiver.url)
    await sender.send("1")

    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert "does not want events" in refused.body["error"]["message"]
    assert receiver.came.empty()


async def test_a_receiver_that_is_not_there_is_told_at_once(face: FaceCalls) -> None:
    refused = await face.control("webhook", url=f"http://{HOST}:{face.ports.host}/")

    assert refused.status == 400
    assert "cannot be reached" in refused.body["error"]["message"]


@pytest.mark.parametrize("nobody", ['{"url": null}', "null"])
async def test_null_stops_it_and_the_topic_goes_on(
    face: FaceCalls, receiver: Receiver, sender: Sender, nobody: str
) -> None:
    await face.control("webhook", url=receiver.url)
    await sender.send("1")
    await receiver.next_event()

    assert (await face.call("POST", "/simulator/webhook", data=nobody)).status == 204
    await sender.send("2")

    assert len((await face.call("GET", "/simulator/events")).body) == 2
    assert receiver.came.empty()


async def test_an_event_comes_again_until_the_receiver_takes_it_and_the_next_one_waits(
    face: FaceCalls, receiver: Receiver, sender: Sender
) -> None:
    await face.control("webhook", url=receiver.url)
    receiver.statuses.extend([503, 302])

    await sender.send("1", "2")

    names = [(await receiver.next_event())["id"] for _ in range(4)]
    assert names == ["1", "1", "1", "2"]


async def test_with_an_audience_each_call_carries_a_token_that_checks_as_one_of_event_grids(
    face: FaceCalls, receiver: Receiver, sender: Sender
) -> None:
    await face.control("webhook", url=receiver.url, audience=AUDIENCE)
    await sender.send("1")
    event = await receiver.came.get()
    keys = jwt.PyJWKClient(f"http://{HOST}:{face.ports.identity}/any/discovery/v2.0/keys")

    for headers in (receiver.asked[0], event.headers):
        token = str(headers["Authorization"]).removeprefix("Bearer ")
        key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE)

        assert claims["appid"] == webhook.APPLICATION
        assert claims["roles"] == [webhook.ROLE]
