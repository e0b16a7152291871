import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.store.images import BlobImageStore
from tests.support.builders import SESSION_ID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NAME = "some-container"
IMAGE = b"\xff\xd8\xff" + bytes(5000)


async def take(_: web.Request) -> web.Response:
    return web.Response(status=201)


@dataclass
class HttpStorage:
    """A real server in place of Storage, which takes pictures or does as a test likes."""

    answer: Handler = take
    received: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append((request.method, request.path))
        self.headers.append(dict(request.headers))
        await request.read()
        return await self.answer(request)


@pytest.fixture
def storage() -> HttpStorage:
    return HttpStorage()


@pytest.fixture
async def connection(storage: HttpStorage) -> AsyncIterator[Secret]:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", storage.handle)
    async with TestServer(app) as server:
        endpoint = str(server.make_url("/account"))
        yield Secret(f"AccountName=account;AccountKey=eA==;BlobEndpoint={endpoint}")


@pytest.fixture
async def images(connection: Secret) -> AsyncIterator[BlobImageStore]:
    images = BlobImageStore.from_connection_string(connection, name=NAME, timeout_seconds=60)
    yield images
    await images.close()


CALLS: dict[str, Callable[[BlobImageStore], Awaitable[object]]] = {
    "insert": lambda images: images.insert(SESSION_ID, IMAGE),
    "load": lambda images: images.load(SESSION_ID),
    "delete": lambda images: images.delete(SESSION_ID),
}


@pytest.mark.parametrize("size", [5003, 8 * 1024 * 1024])
async def test_a_picture_is_written_in_one_request_that_only_the_first_can_win(
    size: int, images: BlobImageStore, storage: HttpStorage
) -> None:
    await images.insert(SESSION_ID, (IMAGE * 2000)[:size])

    assert storage.received == [("PUT", f"/account/{NAME}/{SESSION_ID}")]
    (headers,) = storage.headers
    assert headers["If-None-Match"] == "*"
    assert headers["Content-Length"] == str(size)
    assert headers["x-ms-blob-content-type"] == "image/jpeg"
    assert headers["x-ms-blob-type"] == "BlockBlob"


def failing(status: int, code: str | None = None, **headers: str) -> Handler:
    async def fail(_: web.Request) -> web.Response:
        codes = {"x-ms-error-code": code} if code else {}
        return web.Response(status=status, headers={**codes, **headers})

    return fail


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def talk_nonsense(_: web.Request) -> web.Response:
    return web.Response(status=404, text="<html>", content_type="text/html")


FAILURES: dict[str, Handler] = {
    "busy": failing(503, "ServerBusy"),
    "throttling": failing(429, **{"Retry-After": "30"}),
    "not allowed": failing(403, "AuthorizationPermissionMismatch"),
    "no container": failing(404, "ContainerNotFound"),
    "container is going": failing(409, "ContainerBeingDeleted"),
    "a false 404": talk_nonsense,
    "hangs up": hang_up,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
async def test_storage_that_fails_is_asked_once_and_is_StoreUnavailable(  # noqa: N802
    answer: Handler,
    call: Callable[[BlobImageStore], Awaitable[object]],
    images: BlobImageStore,
    storage: HttpStorage,
) -> None:
    storage.answer = answer

    with pytest.raises(StoreUnavailableError, match=r"^the pictures cannot be had: \w+"):
        await call(images)

    # Where a connection breaks, aiohttp tries once more by itself.
    assert len(storage.received) == (2 if answer is hang_up else 1)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("insert", 409, "BlobAlreadyExists"),
        ("load", 404, "BlobNotFound"),
        ("delete", 404, "BlobNotFound"),
    ],
)
async def test_what_somebody_else_did_already_is_done(
    name: str, status: int, code: str, images: BlobImageStore, storage: HttpStorage
) -> None:
    storage.answer = failing(status, code)

    assert await CALLS[name](images) is None


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_storage_that_is_silent_is_given_up_when_the_stores_time_is_over(
    call: Callable[[BlobImageStore], Awaitable[object]], connection: Secret, storage: HttpStorage
) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    storage.answer = hang
    hurried = BlobImageStore.from_connection_string(connection, name=NAME, timeout_seconds=0.2)

    # Whichever of the two sees it first: the SDK's read time-out is the same.
    with pytest.raises(StoreUnavailableError, match=r"TimeoutError|ServiceResponseTimeoutError"):
        await call(hurried)
    await hurried.close()


async def test_a_picture_that_is_cut_short_is_none(
    images: BlobImageStore, storage: HttpStorage
) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(
            status=206,
            headers={"Content-Range": f"bytes 0-{len(IMAGE) - 1}/{len(IMAGE)}", "ETag": '"1"'},
        )
        answer.content_length = len(IMAGE)
        await answer.prepare(request)
        await answer.write(IMAGE[:1000])
        assert request.transport is not None
        request.transport.close()
        return answer

    storage.answer = cut

    with pytest.raises(StoreUnavailableError):
        await images.load(SESSION_ID)


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Range": "bytes 0-6/7", "ETag": '"1"'}], ids=["no-range", "a-range"]
)
async def test_what_is_no_picture_is_not_served_as_one(
    headers: dict[str, str], images: BlobImageStore, storage: HttpStorage
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"Sign in", status=206 if headers else 200, headers=headers)

    storage.answer = answer

    with pytest.raises(StoreUnavailableError):
        await images.load(SESSION_ID)
