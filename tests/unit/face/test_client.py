import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses

from shared.errors import (
    AppError,
    FaceRefusedError,
    FaceUnavailableError,
    InvalidRequestError,
    KeyUnavailableError,
)
from shared.face.client import CallOptions, FaceClient
from shared.face.patience import Patience
from shared.face.protocol import token_header
from shared.secret import Secret
from shared.session.session import Kind
from tests.support import payloads
from tests.support.builders import FACE_SESSION_ID, PNG, a_request

SESSIONS = "/face/v1.2/detectLiveness-sessions"
SESSION = f"{SESSIONS}/{FACE_SESSION_ID}"

# Time for one try.
QUICK = CallOptions(timeout_seconds=0.3, patience=Patience(budget_seconds=0.3, jitter=lambda: 1.0))

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Keys:
    """Two keys: a refusal takes out the second one."""

    refused: list[str] = field(default_factory=list)
    fails: Exception | None = None

    async def get(self) -> Secret:
        return Secret("old-key")

    async def refresh(self, refused: Secret) -> Secret:
        self.refused.append(refused.reveal())
        if self.fails:
            raise self.fails
        return Secret("new-key")


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    key: str | None
    content_type: str
    body: bytes


@dataclass
class HttpFace:
    """A real server that answers with what a test has laid out, in order; the last one stays."""

    answers: deque[Handler] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)

    def says(
        self, payload: object = None, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(payload, status=status, headers=headers)

        self.answers.append(answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append(
            Received(
                method=request.method,
                path=request.path_qs,
                key=request.headers.get("Ocp-Apim-Subscription-Key"),
                content_type=request.headers.get("Content-Type", ""),
                body=await request.read(),
            )
        )
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def face() -> HttpFace:
    return HttpFace()


@pytest.fixture
async def client(face: HttpFace, keys: Keys) -> AsyncIterator[FaceClient]:
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", face.handle)
    async with TestServer(app) as server:
        endpoint = str(server.make_url("")).rstrip("/")
        client = FaceClient.connect(endpoint, keys, QUICK)
        yield client
        await client.close()


async def test_a_session_is_asked_for_with_the_key(client: FaceClient, face: HttpFace) -> None:
    face.says(payloads.CREATED)

    opened = await client.create(a_request())

    assert opened.auth_token.reveal() == "eyJhbGciOi.fake.token"
    assert face.received == [
        Received(
            method="POST",
            path=SESSIONS,
            key="old-key",
            content_type="application/json",
            body=b'{"livenessOperationMode": "PassiveActive", "authTokenTimeToLiveInSeconds": 600,'
            b' "deviceCorrelationId": "device-1"}',
        )
    ]


async def test_a_session_is_looked_up(client: FaceClient, face: HttpFace) -> None:
    face.says(payloads.RUNNING)

    answer = await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    (request,) = face.received
    assert answer is not None
    assert answer.status == "Running"
    assert (request.method, request.path, request.body) == ("GET", SESSION, b"")


async def test_a_session_is_deleted(client: FaceClient, face: HttpFace) -> None:
    face.says(status=204)

    await client.delete(Kind.LIVENESS, FACE_SESSION_ID)

    (request,) = face.received
    assert (request.method, request.path, request.body) == ("DELETE", SESSION, b"")


async def test_a_session_that_is_gone_is_none_and_deleted(
    client: FaceClient, face: HttpFace
) -> None:
    face.says(payloads.SESSION_NOT_FOUND, status=404)

    assert await client.get(Kind.LIVENESS, FACE_SESSION_ID) is None
    await client.delete(Kind.LIVENESS, FACE_SESSION_ID)


async def test_a_refused_key_is_refreshed_once(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)
    face.says(payloads.RUNNING)

    assert await client.get(Kind.LIVENESS, FACE_SESSION_ID) is not None

    assert [request.key for request in face.received] == ["old-key", "new-key"]
    assert keys.refused == ["old-key"]


async def test_a_key_that_is_refused_again_is_not_tried_a_third_time(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)

    with pytest.raises(FaceRefusedError, match="401"):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    assert (len(face.received), keys.refused) == (2, ["old-key"])


async def test_a_vault_that_is_down_on_refresh_is_said_to_be(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)
    keys.fails = KeyUnavailableError("down")

    with pytest.raises(KeyUnavailableError):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_nothing_but_a_refused_key_is_tried_again(
    status: int, client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=status, headers={"Retry-After": "9"})

    with pytest.raises((FaceRefusedError, FaceUnavailableError)) as caught:
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    assert caught.value.retry_after_seconds in {None, 9}
    assert (len(face.received), keys.refused) == (1, [])


async def test_a_get_is_repeated_and_a_hasty_delete_is_not(
    face: HttpFace, client: FaceClient, keys: Keys
) -> None:
    face.says(status=503)
    face.says(payloads.RUNNING)
    patience = Patience(budget_seconds=5, jitter=lambda: 0.0)
    patient = FaceClient(client._http, client._endpoint, keys, replace(QUICK, patience=patience))

    assert await patient.get(Kind.LIVENESS, FACE_SESSION_ID) is not None
    assert len(face.received) == 2

    face.answers.clear()
    face.says(status=503)
    face.says(status=204)
    with pytest.raises(FaceUnavailableError):
        await patient.delete(Kind.LIVENESS, FACE_SESSION_ID, patient=False)
    await patient.delete(Kind.LIVENESS, FACE_SESSION_ID, patient=False)

    assert len(face.received) == 4


async def test_a_create_that_may_have_arrived_is_not_repeated(
    face: HttpFace, client: FaceClient, keys: Keys
) -> None:
    face.answers.extend([hang_up, hang_up])
    patience = Patience(budget_seconds=5, jitter=lambda: 0.0)
    patient = FaceClient(client._http, client._endpoint, keys, replace(QUICK, patience=patience))

    with pytest.raises(FaceUnavailableError):
        await patient.create(a_request())

    assert len(face.received) == 1


async def test_a_redirect_is_not_followed_for_the_key_would_travel(
    client: FaceClient, face: HttpFace
) -> None:
    face.says(status=307, headers={"Location": "/elsewhere"})
    face.says(payloads.RUNNING)

    with pytest.raises(FaceUnavailableError, match="307"):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    assert [request.path for request in face.received] == [SESSION]


async def test_a_cookie_is_not_kept(client: FaceClient, face: HttpFace) -> None:
    cookies: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.json_response(payloads.RUNNING, headers={"Set-Cookie": "who=me"})

    face.answers.append(answer)
    for _ in range(2):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    assert cookies == [None, None]


async def test_a_token_travels_as_a_bearer_where_keys_are_turned_off(
    face: HttpFace, keys: Keys, client: FaceClient
) -> None:
    headers: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        headers.append(request.headers.get("Authorization"))
        return web.json_response(payloads.RUNNING)

    face.answers.append(answer)
    by_entra = FaceClient(
        client._http, client._endpoint, keys, replace(QUICK, auth_header=token_header)
    )
    await by_entra.get(Kind.LIVENESS, FACE_SESSION_ID)

    assert headers == ["Bearer old-key"]
    assert [request.key for request in face.received] == [None]


async def test_every_call_waits_for_its_turn(client: FaceClient, face: HttpFace) -> None:
    turns: list[int] = []

    async def turn() -> None:
        turns.append(len(face.received))

    face.says(status=401)
    face.says(payloads.RUNNING)
    await client.with_rate_limit(turn).get(Kind.LIVENESS, FACE_SESSION_ID)

    assert turns == [0, 1]
    await client.get(Kind.LIVENESS, FACE_SESSION_ID)
    assert turns == [0, 1]


NOTHING_SENT: Any = SimpleNamespace(output_size=0)


class Answered(aiohttp.ClientResponse):
    """An answer that nobody sent: aiohttp 3.14 wants a stream_writer, which aioresponses lacks."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(*arguments, stream_writer=NOTHING_SENT, **named)


OPERATIONS: dict[str, tuple[str, str, Callable[[FaceClient], Awaitable[object]]]] = {
    "create": ("POST", SESSIONS, lambda client: client.create(a_request())),
    "get": ("GET", SESSION, lambda client: client.get(Kind.LIVENESS, FACE_SESSION_ID)),
    "delete": ("DELETE", SESSION, lambda client: client.delete(Kind.LIVENESS, FACE_SESSION_ID)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"create": InvalidRequestError, "get": FaceRefusedError, "delete": FaceRefusedError}),
        (401, FaceRefusedError),
        (403, FaceRefusedError),
        (404, {"create": FaceRefusedError, "get": None, "delete": None}),
        (409, FaceRefusedError),
        (415, FaceRefusedError),
        (429, FaceUnavailableError),
        (301, FaceUnavailableError),
        (500, FaceUnavailableError),
        (502, FaceUnavailableError),
        (503, FaceUnavailableError),
        (504, FaceUnavailableError),
        (200, FaceUnavailableError),
    ],
)
async def test_a_status_of_face_is_one_error_of_ours(
    operation: str, status: int, error: object, keys: Keys
) -> None:
    method, path, call = OPERATIONS[operation]
    expected = error[operation] if isinstance(error, dict) else error
    client = FaceClient.connect("https://face.test", keys, QUICK)

    with aioresponses() as face:
        face.add(
            f"https://face.test{path}",
            method=method,
            status=status,
            body="nonsense",
            response_class=Answered,
            repeat=True,
        )
        try:
            assert await call(client) is None
            caught = None
        except AppError as raised:
            caught = type(raised)

    assert caught is expected
    await client.close()


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"sessionId"')
    return await hang_up(request)


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(50):
        await asyncio.sleep(0.05)
        await response.write(b" ")
    return response


async def lie_about_encoding(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"not compressed", headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "handler",
    [hang, hang_up, break_off, trickle, lie_about_encoding],
    ids=lambda handler: handler.__name__,
)
async def test_a_face_that_does_not_finish_is_unavailable(
    handler: Handler, client: FaceClient, face: HttpFace
) -> None:
    face.answers.append(handler)

    with pytest.raises(FaceUnavailableError, match="could not be reached"):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://[broken"])
async def test_a_face_that_is_not_there_is_unavailable(endpoint: str, keys: Keys) -> None:
    client = FaceClient.connect(endpoint, keys, QUICK)

    with pytest.raises(FaceUnavailableError):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)

    await client.close()


@pytest.mark.parametrize(
    ("size", "error"),
    [(1024 * 1024, "nonsense"), (1024 * 1024 + 1, "far too much")],
    ids=["1-MiB", "one-byte-more"],
)
async def test_an_answer_may_have_1_mib(
    size: int, error: str, client: FaceClient, face: HttpFace
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b" " * size)

    face.answers.append(answer)

    with pytest.raises(FaceUnavailableError, match=error):
        await client.get(Kind.LIVENESS, FACE_SESSION_ID)


def parts_of(request: Received) -> dict[str, tuple[str | None, object]]:
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_filename(),
            part.get_payload(decode=True),
        )
        for part in message_from_bytes(head + request.body).walk()
        if not part.is_multipart()
    }


async def test_an_image_travels_as_a_flat_form_and_again_after_a_refused_key(
    client: FaceClient, face: HttpFace
) -> None:
    image = PNG * 1000
    face.says(status=401)
    face.says(payloads.CREATED_WITH_VERIFY)

    await client.create(a_request(image=image))

    assert [request.key for request in face.received] == ["old-key", "new-key"]
    for request in face.received:
        assert request.content_type.startswith("multipart/form-data; boundary=")
        assert request.body.count(image) == 1
        assert parts_of(request) == {
            "livenessOperationMode": (None, b"PassiveActive"),
            "authTokenTimeToLiveInSeconds": (None, b"600"),
            "deviceCorrelationId": (None, b"device-1"),
            "returnVerifyImageHash": (None, b"true"),
            "verifyImage": ("verifyImage", image),
        }
