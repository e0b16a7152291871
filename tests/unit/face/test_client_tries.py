"""How often a call is tried, and for how long: by what comes back, without a server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from shared.errors import AppError, FaceRefusedError, FaceUnavailableError
from shared.face.call_options import CallOptions
from shared.face.client import FaceClient
from shared.face.face_key import KeyVaultCredential, parse_key
from shared.secret import Secret
from shared.session.session import Kind
from tests.support import payloads
from tests.support.builders import FACE_SESSION_ID, a_request
from tests.support.fake_vault import FACE_KEY, FakeVault
from tests.support.fakes import LoopClock

FACE = "https://face.test"
SESSIONS = f"{FACE}/face/v1.2/detectLiveness-sessions"
SESSION = f"{SESSIONS}/{FACE_SESSION_ID}"


class Keys:
    """One key, and never a newer one."""

    async def get(self) -> Secret:
        return Secret("key")

    def check(self) -> None:
        """Let every call go."""

    async def refresh(self, refused: Secret) -> None:
        """Have none."""


class Answer(aiohttp.ClientResponse):
    """An answer that nobody sent: aiohttp 3.14 wants a stream_writer, which aioresponses lacks."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(*arguments, stream_writer=SimpleNamespace(output_size=0), **named)  # type: ignore[arg-type]


type Call = Callable[[FaceClient], Awaitable[object]]
CALLS: dict[str, tuple[str, str, Call]] = {
    "create": ("POST", SESSIONS, lambda client: client.create(a_request())),
    "get": ("GET", SESSION, lambda client: client.get(Kind.LIVENESS, FACE_SESSION_ID)),
    "delete": ("DELETE", SESSION, lambda client: client.delete(Kind.LIVENESS, FACE_SESSION_ID)),
}


@dataclass
class Clock:
    """A clock that is moved by sleeping, and by nothing else."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(clock: Clock) -> AsyncIterator[FaceClient]:
    options = CallOptions(timeout_seconds=5, budget_seconds=60, sleep=clock.sleep, clock=clock)
    client = FaceClient.connect(FACE, Keys(), options)
    yield client
    await client.close()


async def sent(client: FaceClient, operation: str, **answer: object) -> list[aiohttp.ClientTimeout]:
    """Let Face give one answer always; return the time-outs of what was sent until we gave up."""
    method, url, call = CALLS[operation]
    with aioresponses() as face:
        face.add(url, method=method, repeat=True, response_class=Answer, **answer)  # type: ignore[arg-type]
        with pytest.raises(AppError):
            await call(client)
        return [one.kwargs["timeout"] for one in face.requests.get((method, URL(url)), [])]


NO_SUCH_HOST: Any = SimpleNamespace(ssl=True, host="face.test", port=443)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": 429}, id="429"),
        pytest.param({"status": 503}, id="503"),
        pytest.param(
            {"exception": aiohttp.ClientConnectorError(NO_SUCH_HOST, OSError())}, id="refused"
        ),
        pytest.param(
            {"exception": aiohttp.ClientConnectorDNSError(NO_SUCH_HOST, OSError())}, id="no-host"
        ),
        pytest.param({"exception": aiohttp.ConnectionTimeoutError()}, id="no-connection-in-time"),
    ],
)
async def test_what_face_has_provably_not_done_a_create_tries_twice_more_and_nothing_else_does(
    answer: dict[str, object], client: FaceClient
) -> None:
    tries = {operation: len(await sent(client, operation, **answer)) for operation in CALLS}

    assert tries == {"create": 3, "get": 1, "delete": 1}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        *[pytest.param({"status": n}, id=str(n)) for n in (400, 403, 404, 409, 500, 502, 504)],
        pytest.param({"status": 200, "body": "<html>"}, id="nonsense"),
        *[
            pytest.param({"exception": error}, id=type(error).__name__)
            for error in (
                TimeoutError(),
                ConnectionResetError(),
                aiohttp.ServerDisconnectedError(),
                aiohttp.ClientPayloadError(),
                aiohttp.ClientOSError(),
                aiohttp.SocketTimeoutError(),
            )
        ],
    ],
)
async def test_what_face_may_have_done_is_tried_once(
    operation: str, answer: dict[str, object], client: FaceClient
) -> None:
    assert len(await sent(client, operation, **answer)) == 1


async def test_a_wait_that_does_not_fit_into_the_budget_is_told_to_the_caller(
    client: FaceClient, clock: Clock
) -> None:
    _, _, create = CALLS["create"]
    with aioresponses() as face:
        face.post(SESSIONS, status=429, headers={"Retry-After": "60"}, response_class=Answer)
        with pytest.raises(FaceUnavailableError) as caught:
            await create(client)

    assert (caught.value.retry_after_seconds, clock.waits) == (60, [])


@pytest.mark.parametrize(
    ("operation", "timeout_seconds", "budget_seconds", "expected"),
    [
        ("create", 5, 60, (5, 2)),
        ("get", 5, 60, (5, 2)),
        ("delete", 1, 60, (1, 1)),
        ("get", 5, 1, (5, 2)),
    ],
)
async def test_a_try_has_its_time_and_connecting_a_part_of_it(
    operation: str, timeout_seconds: float, budget_seconds: float, expected: tuple[float, float]
) -> None:
    client = FaceClient.connect(
        FACE, Keys(), CallOptions(timeout_seconds=timeout_seconds, budget_seconds=budget_seconds)
    )
    (timeout,) = await sent(client, operation, status=500)
    await client.close()

    assert (timeout.total, timeout.connect) == expected


async def test_a_try_of_a_create_has_no_more_time_than_is_left_of_the_budget() -> None:
    client = FaceClient.connect(FACE, Keys(), CallOptions(timeout_seconds=9, budget_seconds=1))
    (timeout,) = await sent(client, "create", status=500)
    await client.close()

    assert 0 < (timeout.total or 0) <= 1


async def test_a_try_that_a_busy_machine_lets_begin_too_late_still_ends(clock: Clock) -> None:
    async def oversleep(seconds: float) -> None:
        await clock.sleep(seconds + 100)

    options = CallOptions(timeout_seconds=9, budget_seconds=9, sleep=oversleep, clock=clock)
    client = FaceClient.connect(FACE, Keys(), options)
    timeouts = await sent(client, "create", status=503)
    await client.close()

    assert [timeout.total for timeout in timeouts] == [9, 0.25, 0.25]


async def test_after_five_failures_face_is_left_alone_by_calls_of_that_kind_only(
    client: FaceClient,
) -> None:
    tries = [len(await sent(client, "get", status=403)) for _ in range(7)]

    assert tries == [1, 1, 1, 1, 1, 0, 0]
    assert len(await sent(client, "delete", status=403)) == 1


async def test_with_face_dead_the_hundredth_create_asks_nobody(
    client: FaceClient, clock: Clock
) -> None:
    tries = [len(await sent(client, "create", status=503)) for _ in range(100)]

    assert tries == [3, 2, *[0] * 98]
    assert len(clock.waits) == 3


@pytest.mark.parametrize("asked_every_seconds", [0.25, 1, 3])
@pytest.mark.parametrize("away_seconds", [5, 33, 120])
async def test_creates_are_back_within_ten_seconds_of_face(
    client: FaceClient, clock: Clock, away_seconds: float, asked_every_seconds: float
) -> None:
    _, url, create = CALLS["create"]
    while clock.now < away_seconds:
        await sent(client, "create", status=500)
        clock.now += asked_every_seconds
    back_at, started = clock.now, None
    with aioresponses() as face:
        face.post(url, payload=payloads.CREATED, repeat=True, response_class=Answer)
        while started is None:
            with suppress(FaceUnavailableError):
                started = await create(client)
            clock.now += asked_every_seconds

    assert clock.now - back_at <= 10 + asked_every_seconds


async def test_all_clients_of_a_process_share_what_is_known_of_face(client: FaceClient) -> None:
    acquired: list[str] = []

    async def acquire(_rank: float) -> None:
        acquired.append("a turn")

    limited = client.with_rate_limit(acquire)
    for _ in range(5):
        await sent(client, "get", status=500)
        await sent(client, "delete", status=500)
    acquired.clear()

    for call in ("get", "delete"):
        assert await sent(limited, call, status=500) == []
    with pytest.raises(FaceUnavailableError):
        await limited.await_turn(0)
    # Whoever is refused uses up no turn.
    assert acquired == []


async def test_a_client_learns_that_the_breaker_opened_while_it_waited_for_its_turn(
    client: FaceClient,
) -> None:
    async def acquire(_rank: float) -> None:
        for _ in range(5):
            await sent_at_once(client)

    async def sent_at_once(client: FaceClient) -> None:
        with pytest.raises(FaceUnavailableError):
            await client.delete(Kind.LIVENESS, FACE_SESSION_ID)

    tries = await sent(client.with_rate_limit(acquire), "delete", status=500)

    assert len(tries) == 5


async def test_a_dead_key_says_when_it_is_tried_again_and_no_breaker_says_otherwise(
    clock: Clock,
) -> None:
    vault = FakeVault()
    secret = vault.opened(LoopClock()).secret(FACE_KEY, parse_key)
    keys = KeyVaultCredential(secret, max_age=timedelta(minutes=10), now=LoopClock())
    await keys.get()
    vault.troubles.extend([TimeoutError()] * 9)
    options = CallOptions(timeout_seconds=5, budget_seconds=60, sleep=clock.sleep, clock=clock)
    client = FaceClient.connect(FACE, keys, options)
    with aioresponses() as face:
        face.post(SESSIONS, status=401, repeat=True, response_class=Answer)
        first = [client.create(a_request()) for _ in range(9)]
        refusals = await asyncio.gather(*first, return_exceptions=True)
        refusals += await asyncio.gather(client.create(a_request()), return_exceptions=True)
        asked = len(face.requests[("POST", URL(SESSIONS))])
    await client.close()

    assert {type(one) for one in refusals} == {FaceRefusedError}
    assert {getattr(one, "retry_after_seconds", None) for one in refusals} == {30}
    # Once the vault had nothing newer, nobody was asked.
    assert (asked, len(vault.asked)) == (9, 2)
