"""The app's own way to Face, key and identity included, on stand-ins that fail by script."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.azure.certificate import TRUSTED, trust_in_this_process
from local.ports import HOST
from shared import settings
from shared.connections import Connections
from shared.errors import (
    AppError,
    FaceRefusedError,
    FaceUnavailableError,
    InvalidRequestError,
    KeyUnavailableError,
)
from shared.face.client import FaceClient
from shared.session.face_answer import FaceSession
from shared.session.session import Kind
from tests.support.builders import a_request
from tests.support.environment import identity_at
from tests.support.face_calls import FaceCalls
from tests.support.fakes import Clock

HTML = "<html><body>Not Found</body></html>"
FOREIGN_JSON = '{"statusCode": 404, "message": "Resource not found"}'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def connections(face: FaceCalls, clock: Clock, tmp_path: Path) -> AsyncIterator[Connections]:
    trust_in_this_process(tmp_path / TRUSTED)
    loaded = settings.from_environment(
        {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "FACE_ENDPOINT": f"http://{HOST}:{face.ports.face}",
            "KEY_VAULT_URL": f"https://{HOST}:{face.ports.vault}",
            "FACE_KEY_CACHE_SECONDS": "600",
            "FACE_TIMEOUT_SECONDS": "60",
            "FACE_BUDGET_SECONDS": "60",
            "KEY_TIMEOUT_SECONDS": "60",
            "SWEEP_SCHEDULE": "0 * * * * *",
        }
    )
    opened = Connections(loaded, clock, lambda: "an-id")
    async with identity_at(face.ports):
        yield opened
        await opened.close()


@pytest.fixture
async def client(connections: Connections) -> FaceClient:
    live, *_ = connections.open_face()
    return live


async def calls(face: FaceCalls) -> list[tuple[str, int]]:
    asked = (await face.call("GET", "/simulator/requests")).body
    return [(call["method"], call["status"]) for call in asked]


async def alive(face: FaceCalls) -> int:
    return len((await face.call("GET", "/simulator/sessions")).body)


async def create(client: FaceClient) -> FaceSession:
    return await client.create(a_request())


async def end_of_create(client: FaceClient) -> type[AppError] | None:
    try:
        await create(client)
    except AppError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    "gateway",
    [
        {"status": 404, "body": HTML},
        {"status": 404, "body": FOREIGN_JSON},
        {"status": 404, "code": "404"},
        {"status": 403, "body": HTML},
        {"status": 400, "body": HTML},
        {"status": 400, "code": "BadRequest"},
    ],
    ids=str,
)
async def test_a_gateway_is_not_face(
    gateway: dict[str, object], face: FaceCalls, client: FaceClient
) -> None:
    opened = await create(client)
    await face.control("faults", operation="any", times=3, **gateway)

    with pytest.raises(FaceRefusedError):
        await create(client)
    with pytest.raises(FaceRefusedError):
        await client.get(Kind.LIVENESS, opened.face_session_id)
    with pytest.raises(FaceRefusedError):
        await client.delete(Kind.LIVENESS, opened.face_session_id)

    assert await alive(face) == 1
    assert (await client.get(Kind.LIVENESS, opened.face_session_id)).value is not None


async def test_face_itself_is_believed(face: FaceCalls, client: FaceClient) -> None:
    opened = await create(client)
    await client.delete(Kind.LIVENESS, opened.face_session_id)

    assert (await client.get(Kind.LIVENESS, opened.face_session_id)).value is None
    await client.delete(Kind.LIVENESS, opened.face_session_id)
    await face.control("faults", operation="create", times=1, status=400, code="InvalidRequestBody")
    with pytest.raises(InvalidRequestError):
        await create(client)


async def test_a_create_whose_answer_is_lost_is_not_repeated(
    face: FaceCalls, client: FaceClient
) -> None:
    await face.control("faults", operation="create", times=1, answer="lost")

    assert await end_of_create(client) is FaceUnavailableError
    assert (await alive(face), await calls(face)) == (1, [("POST", 0)])


async def test_face_dead_is_called_five_times_and_then_left_alone(
    face: FaceCalls, client: FaceClient
) -> None:
    await face.control("faults", operation="create", times=99, status=500)

    ends = [await end_of_create(client) for _ in range(100)]

    assert set(ends) == {FaceUnavailableError}
    assert await calls(face) == [("POST", 500)] * 5


async def test_a_key_that_face_takes_serves_while_the_vault_is_away(
    face: FaceCalls, client: FaceClient, clock: Clock
) -> None:
    await create(client)
    await face.control("faults", operation="vault", times=999, status=503)
    await face.control("faults", operation="identity", times=999, status=503)
    for _ in range(20):
        clock.advance(timedelta(minutes=10))
        await create(client)

    assert await alive(face) == 21


async def test_a_dead_key_is_shown_once_in_half_a_minute(
    face: FaceCalls, client: FaceClient, clock: Clock
) -> None:
    await create(client)
    await face.control("faults", operation="create", times=999, status=401)

    ends = [await end_of_create(client) for _ in range(50)]
    clock.advance(timedelta(seconds=30))
    ends += [await end_of_create(client) for _ in range(50)]

    assert set(ends) == {FaceRefusedError}
    assert await calls(face) == [("POST", 200), ("POST", 401), ("POST", 401)]


async def test_a_rotated_key_is_picked_up_without_a_failed_call(
    face: FaceCalls, client: FaceClient
) -> None:
    await create(client)
    await face.control("key", key="a-new-key")
    await create(client)

    assert await calls(face) == [("POST", 200), ("POST", 401), ("POST", 200)]


async def test_both_secrets_are_there_from_the_first_start(
    face: FaceCalls, connections: Connections
) -> None:
    app_secret = connections.open_app_secret()
    await face.control("faults", operation="vault", times=9, status=403)
    with pytest.raises(KeyUnavailableError, match="403 UnsupportedFeature"):
        await app_secret.get()
    await face.call("DELETE", "/simulator/faults")

    assert len((await app_secret.get()).reveal()) == 108
