import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared import trace
from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.store.message_queue import StorageQueue
from tests.support.builders import SESSION_ID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NAME = "some-queue"
SENT = """<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage>
<MessageId>00000000-0000-0000-0000-000000000001</MessageId><PopReceipt>x</PopReceipt>
<InsertionTime>Wed, 04 Mar 2026 05:06:07 GMT</InsertionTime>
<ExpirationTime>Wed, 04 Mar 2026 06:06:07 GMT</ExpirationTime>
<TimeNextVisible>Wed, 04 Mar 2026 05:06:09 GMT</TimeNextVisible>
</QueueMessage></QueueMessagesList>"""


async def take(_: web.Request) -> web.Response:
    return web.Response(status=201, text=SENT, content_type="application/xml")


@dataclass
class HttpStorage:
    """A real server in place of Storage, which takes messages or does as a test likes."""

    answer: Handler = take
    received: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append((request.method, request.path, dict(request.query)))
        self.texts += re.findall("<MessageText>(.*)</MessageText>", await request.text())
        return await self.answer(request)


@pytest.fixture
def storage() -> HttpStorage:
    return HttpStorage()


@pytest.fixture
async def connection(storage: HttpStorage) -> AsyncIterator[Secret]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", storage.handle)
    async with TestServer(app) as server:
        endpoint = str(server.make_url("/account"))
        yield Secret(f"AccountName=account;AccountKey=eA==;QueueEndpoint={endpoint}")


@pytest.fixture
async def queue(connection: Secret) -> AsyncIterator[StorageQueue]:
    queue = StorageQueue.from_connection_string(connection, name=NAME, timeout_seconds=60)
    yield queue
    await queue.close()


@pytest.mark.parametrize(
    ("delay", "visible_in"),
    [(timedelta(), "0"), (timedelta(seconds=2), "2"), (timedelta(milliseconds=1500), "2")],
    ids=["at-once", "two-seconds", "a-fraction-more"],
)
async def test_a_session_is_named_once_in_one_request_in_base64_for_an_hour(
    delay: timedelta, visible_in: str, queue: StorageQueue, storage: HttpStorage
) -> None:
    await queue.send(SESSION_ID, delay=delay)

    path = f"/account/{NAME}/messages"
    assert storage.received == [
        ("POST", path, {"visibilitytimeout": visible_in, "messagettl": "3600"})
    ]
    assert [base64.b64decode(text).decode() for text in storage.texts] == [SESSION_ID]


async def test_a_message_goes_on_in_the_trace_of_whoever_sent_it(
    queue: StorageQueue, storage: HttpStorage
) -> None:
    trace_parent = f"00-{'7' * 32}-{'8' * 16}-01"
    trace.follow_trace(trace_parent)

    await queue.send(SESSION_ID, delay=timedelta())

    sent = [base64.b64decode(text).decode() for text in storage.texts]
    assert sent == [f"{SESSION_ID} {trace_parent}"]


async def refuse(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def know_no_queue(_: web.Request) -> web.Response:
    return web.Response(status=404, headers={"x-ms-error-code": "QueueNotFound"})


async def throttle(_: web.Request) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "30"})


async def talk_nonsense(_: web.Request) -> web.Response:
    return web.Response(status=201, text="<html>", content_type="application/xml")


async def talk_of_something_else(_: web.Request) -> web.Response:
    return web.Response(status=201, text="<a><b/></a>", content_type="application/xml")


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    "answer",
    [refuse, know_no_queue, throttle, talk_nonsense, talk_of_something_else, hang_up],
    ids=lambda answer: answer.__name__,
)
async def test_a_queue_that_fails_is_asked_once_and_is_StoreUnavailable(  # noqa: N802
    answer: Handler, queue: StorageQueue, storage: HttpStorage
) -> None:
    storage.answer = answer

    with pytest.raises(StoreUnavailableError, match=r"^the queue took no message: \w+"):
        await queue.send(SESSION_ID, delay=timedelta())

    assert len(storage.received) == 1
