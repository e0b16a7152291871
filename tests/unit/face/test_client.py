import asyncio
import tracemalloc
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from io import BytesIO

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared import trace
from shared.errors import (
    AppError,
    FaceRefusedError,
    FaceUnavailableError,
    InvalidRequestError,
)
from shared.face.call_options import CallOptions
from shared.face.choices import FaceChoices
from shared.face.client import FaceClient
from shared.face.protocol import token_header
from shared.secret import Secret
from shared.session.face_answer import NoImage
from shared.session.session import Kind
from tests.support import payloads
from tests.support.builders import FACE_SESSION_ID, PNG, SESSION_IMAGE_ID, a_request

SESSIONS = "/face/v1.2/detectLiveness-sessions"
SESSION = f"{SESSIONS}/{FACE_SESSION_ID}"
DETECT = (
    "/face/v1.2/detect?detectionModel=detection_03&recognitionModel=recognition_04"
    "&returnFaceId=false&returnFaceAttributes=mask"
)

CREATE_BODY = (
    b'{"livenessOperationMode": "PassiveActive", "authTokenTimeToLiveInSeconds": 600,'
    b' "deviceCorrelationId": "device-1"}'
)

TRACE_PARENT = f"00-{'7' * 32}-{'8' * 16}-01"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Call = Callable[[FaceClient], Awaitable[object]]


async def wait_for_nothing(_: float) -> None:
    """Let the next try come at once."""


# More time than any machine needs; what is to run out of it gets less.
OPTIONS = CallOptions(timeout_seconds=60, budget_seconds=60, sleep=wait_for_nothing)


@dataclass
class Keys:
    """Two keys: a refusal takes out the second one, if there is one."""

    refused: list[str] = field(default_factory=list)
    has_newer: bool = True

    async def get(self) -> Secret:
        return Secret("old-key")

    def check(self) -> None:
        """Let every call go."""

    async def refresh(self, refused: Secret) -> Secret | None:
        self.refused.append(refused.reveal())
        return Secret("new-key") if self.has_newer else None


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    key: str | None
    authorization: str | None
    cookie: str | None
    content_type: str
    body: bytes
    request_id: str | None
    trace_parent: str | None


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

    def carries_out(self, call: object) -> None:
        if call is create:
            self.says(payloads.CREATED)
        else:
            self.says(payloads.SESSION_NOT_FOUND, status=404)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append(
            Received(
                method=request.method,
                path=request.path_qs,
                key=request.headers.get("Ocp-Apim-Subscription-Key"),
                authorization=request.headers.get("Authorization"),
                cookie=request.headers.get("Cookie"),
                content_type=request.headers.get("Content-Type", ""),
                body=await request.read(),
                request_id=request.headers.get("client-request-id"),
                trace_parent=request.headers.get("traceparent"),
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
        client = FaceClient.connect(endpoint, keys, OPTIONS)
        yield client
        await client.close()


def with_options(client: FaceClient, options: CallOptions) -> FaceClient:
    return FaceClient(client._http, client._endpoint, client._credential, options, client._breakers)


async def create(client: FaceClient) -> object:
    return await client.create(a_request())


async def get(client: FaceClient) -> object:
    return (await client.get(Kind.LIVENESS, FACE_SESSION_ID)).value


async def delete(client: FaceClient) -> None:
    await client.delete(Kind.LIVENESS, FACE_SESSION_ID)


async def get_image(client: FaceClient) -> object:
    return (await client.get_image(SESSION_IMAGE_ID)).value


async def detect(client: FaceClient) -> object:
    return (await client.detect(SESSION_IMAGE_ID, ("mask",))).value


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (create, ("POST", SESSIONS, "application/json", CREATE_BODY)),
        (get, ("GET", SESSION, "", b"")),
        (delete, ("DELETE", SESSION, "", b"")),
        (get_image, ("GET", f"/face/v1.2/sessionImages/{SESSION_IMAGE_ID}", "", b"")),
        (
            detect,
            (
                "POST",
                DETECT,
                "application/json",
                f'{{"sessionImageId": "{SESSION_IMAGE_ID}"}}'.encode(),
            ),
        ),
    ],
)
async def test_a_call_is_sent_with_the_key_and_nothing_else(
    call: Call, sent: object, client: FaceClient, face: HttpFace
) -> None:
    face.carries_out(call)
    await call(client)

    (request,) = face.received
    assert (request.method, request.path, request.content_type, request.body) == sent
    assert (request.key, request.authorization) == ("old-key", None)


async def test_what_face_answers_is_understood(client: FaceClient, face: HttpFace) -> None:
    face.says(payloads.CREATED)
    face.says(payloads.RUNNING)

    opened = await client.create(a_request())
    answer = (await client.get(Kind.LIVENESS, FACE_SESSION_ID)).value

    assert opened.auth_token.reveal() == "eyJhbGciOi.fake.token"
    assert answer is not None
    assert answer.status == "Running"


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        pytest.param(FaceChoices(), InvalidRequestError, id="no-choice"),
        pytest.param(FaceChoices(model_version="2020-01-01"), FaceRefusedError, id="model"),
        pytest.param(FaceChoices(confidence_threshold=0.0), FaceRefusedError, id="threshold"),
    ],
)
@pytest.mark.parametrize("code", ["BadArgument", "InvalidRequestBody"])
async def test_what_the_deployment_has_chosen_is_no_fault_of_the_caller(
    client: FaceClient, face: HttpFace, choices: FaceChoices, error: type[AppError], code: str
) -> None:
    face.says({"error": {"code": code, "message": "words"}}, status=400)

    with pytest.raises(error, match=code):
        await create(with_options(client, replace(OPTIONS, choices=choices)))


KNOWN = "4b0e7c3b-9a1d-4826-8f1b-0c2d9e8a7b6c"


async def test_face_is_called_in_the_trace_of_whoever_called(
    client: FaceClient, face: HttpFace
) -> None:
    face.carries_out(create)
    await create(client)
    trace.follow_trace(TRACE_PARENT)
    await create(client)

    assert [request.trace_parent for request in face.received] == [None, TRACE_PARENT]


@pytest.mark.parametrize(
    ("header", "request_id"),
    [({"apim-request-id": KNOWN}, KNOWN), ({"apim-request-id": "a b"}, None), ({}, None)],
)
async def test_by_which_id_face_knows_a_call_is_told_with_its_answer_and_with_its_error(
    header: dict[str, str], request_id: str | None, client: FaceClient, face: HttpFace
) -> None:
    face.says(payloads.CREATED, headers=header)
    face.says(payloads.RUNNING, headers=header)
    face.says(status=500, headers=header)

    opened = await client.create(a_request())
    reply = await client.get(Kind.LIVENESS, FACE_SESSION_ID)
    with pytest.raises(FaceUnavailableError) as failed:
        await get(client)

    told = [opened.request_id, reply.request_id, failed.value.request_id]
    assert told == [request_id] * 3


async def test_each_call_has_an_id_of_ours_which_is_known_though_no_answer_came(
    client: FaceClient, face: HttpFace
) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    face.says(payloads.RUNNING)
    face.answers.append(break_off)
    ids = iter(f"id-{number}" for number in range(9))
    client = with_options(client, replace(OPTIONS, new_request_id=lambda: next(ids)))

    await get(client)
    with pytest.raises(FaceUnavailableError) as failed:
        await get(client)

    first, second, *_ = (request.request_id for request in face.received)
    assert (first, second) == ("id-0", "id-1")
    assert (failed.value.request_id, failed.value.client_request_id) == (None, "id-1")


async def test_a_token_travels_as_a_bearer_where_keys_are_turned_off(
    client: FaceClient, face: HttpFace
) -> None:
    face.says(payloads.RUNNING)

    await get(with_options(client, replace(OPTIONS, auth_header=token_header)))

    (request,) = face.received
    assert (request.key, request.authorization) == (None, "Bearer old-key")


async def test_a_refused_key_is_refreshed_once(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)
    face.says(payloads.RUNNING)

    assert await get(client) is not None

    assert [request.key for request in face.received] == ["old-key", "new-key"]
    assert keys.refused == ["old-key"]


async def test_a_key_that_is_refused_again_is_not_tried_a_third_time(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)

    with pytest.raises(FaceRefusedError, match="401"):
        await get(client)

    assert (len(face.received), keys.refused) == (2, ["old-key"])


async def test_where_there_is_no_newer_key_face_has_spoken(
    client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    face.says(status=401)
    keys.has_newer = False

    with pytest.raises(FaceRefusedError, match="401"):
        await get(client)

    assert (len(face.received), keys.refused) == (1, ["old-key"])


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_nothing_but_a_refused_key_is_refreshed(
    status: int, client: FaceClient, face: HttpFace, keys: Keys
) -> None:
    # Longer than the budget: no second try.
    face.says(status=status, headers={"Retry-After": "99"})

    with pytest.raises((FaceRefusedError, FaceUnavailableError)):
        await get(client)

    assert (len(face.received), keys.refused) == (1, [])


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def test_every_try_waits_until_it_may_go(client: FaceClient, face: HttpFace) -> None:
    sent_before: list[int] = []

    async def acquire(_rank: float) -> None:
        sent_before.append(len(face.received))

    face.says(status=401)
    face.says(status=503)
    face.says(payloads.CREATED)
    await create(client.with_rate_limit(acquire))
    await create(client)

    assert (sent_before, len(face.received)) == ([0, 1, 2], 4)


async def test_a_hundred_and_fifty_calls_are_at_face_at_once(
    client: FaceClient, face: HttpFace
) -> None:
    all_arrived = asyncio.Barrier(150)

    async def answer(_: web.Request) -> web.Response:
        await all_arrived.wait()
        return web.json_response(payloads.RUNNING)

    face.answers.append(answer)

    assert all(await asyncio.gather(*(get(client) for _ in range(150))))


async def test_a_redirect_is_not_followed_for_the_key_would_travel(
    client: FaceClient, face: HttpFace
) -> None:
    face.says(status=307, headers={"Location": "/elsewhere"})
    face.says(payloads.RUNNING)

    with pytest.raises(FaceUnavailableError, match="307"):
        await get(client)

    assert [request.path for request in face.received] == [SESSION]


async def test_a_cookie_is_not_kept(client: FaceClient, face: HttpFace) -> None:
    face.says(payloads.RUNNING, headers={"Set-Cookie": "who=me"})
    for _ in range(2):
        await get(client)

    assert [request.cookie for request in face.received] == [None, None]


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"sessionId"')
    return await hang_up(request)


async def lie_about_encoding(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"not compressed", headers={"Content-Encoding": "gzip"})


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await asyncio.sleep(0.01)
        await response.write(b" ")


@pytest.mark.parametrize(
    ("handler", "timeout_seconds"),
    [(hang_up, 60), (break_off, 60), (lie_about_encoding, 60), (hang, 0.1), (trickle, 0.1)],
)
async def test_a_face_that_does_not_finish_is_unavailable(
    handler: Handler, timeout_seconds: float, client: FaceClient, face: HttpFace
) -> None:
    face.answers.append(handler)
    hurried = with_options(client, replace(OPTIONS, timeout_seconds=timeout_seconds))

    with pytest.raises(FaceUnavailableError, match="could not be reached"):
        await delete(hurried)


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
        await get(client)


@pytest.mark.parametrize("size", [671_608, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1])
async def test_an_image_may_have_8_mib_and_is_not_read_beyond(
    size: int, client: FaceClient, face: HttpFace
) -> None:
    image = b"\xff\xd8\xff".ljust(size, b"x")

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=BytesIO(image), content_type="application/octet-stream")

    face.answers.append(answer)

    fetched = await get_image(client)

    assert fetched == (image if size <= 8 * 1024 * 1024 else NoImage.TOO_LARGE)


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


async def swallow(request: web.Request) -> web.StreamResponse:
    """Open a session for whatever comes, and keep nothing of it."""
    async for _ in request.content.iter_any():
        pass
    return web.json_response(payloads.CREATED_WITH_VERIFY)


async def test_an_image_is_sent_without_a_copy_of_it(keys: Keys) -> None:
    app, request = web.Application(), a_request(image=PNG + bytes(6_000_000))
    app.router.add_post("/{path:.*}", swallow)
    async with TestServer(app) as server:
        client = FaceClient.connect(str(server.make_url("")).rstrip("/"), keys, OPTIONS)
        tracemalloc.start()
        try:
            await client.create(request)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await client.close()

    assert peak < 3_000_000


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
