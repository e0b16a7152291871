"""The example servers let a person on once, by a result of his own, and take each event once."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from local.azure.access_tokens import TokenIssuer
from local.azure.identity import HEADER
from local.clock import real_now
from local.ports import HOST, Ports
from tests.support import packages
from tests.support.up import ready_line, start_up
from tests.support.world import Check, Json, World, eventually

type Program = tuple[str | Path, ...]

EXAMPLES = Path(__file__).parents[2] / "examples"
TENANT = "11111111-1111-1111-1111-111111111111"
EVENT_GRID = {
    "aud": "api://receiver",
    "tid": TENANT,
    "appid": "4962773b-9cdb-44cf-a8bf-237846a00ab7",
}
EVENT = {
    "id": "SessionCompleted:1",
    "type": "FaceLiveness.SessionCompleted",
    "subject": "sessions/1",
}


def python_server() -> Program:
    python = packages.install_python(EXAMPLES / "server-python")
    return (python, "-m", "uvicorn", "server:app", "--log-level", "warning", "--port")


def node_server() -> Program:
    packages.install(EXAMPLES / "server-node")
    return ("node", "server.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of the two, as its users and Event Grid see it."""

    http: aiohttp.ClientSession
    url: str
    told: asyncio.Queue[str]

    async def call(self, method: str, path: str, **options: Json) -> tuple[int, Json]:
        async with self.http.request(method, self.url + path, **options) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else None

    async def start(self, user: str) -> Check:
        _, told = await self.call("POST", "/checks", headers={"X-Demo-User": user})
        return Check(
            session_id=told["sessionId"],
            auth_token=told["authToken"],
            session_token=told["sessionToken"],
            started=told,
        )

    async def read(self, check: Check, user: str) -> tuple[int, Json]:
        return await self.call("GET", f"/checks/{check.session_id}", headers={"X-Demo-User": user})

    async def send(self, issuer: TokenIssuer, event: Mapping[str, str], **claims: object) -> int:
        """Deliver an event as Event Grid does, but for what the claims say."""
        now = int(real_now().timestamp())
        token = issuer.issue({**EVENT_GRID, "nbf": now - 60, "exp": now + 600, **claims})
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/cloudevents+json; charset=utf-8",
        }
        status, _ = await self.call("POST", "/events", json=event, headers=headers)
        return status


@pytest.fixture(params=[python_server, node_server], ids=["python", "node"])
async def program(request: pytest.FixtureRequest) -> Program:
    found: Program = await asyncio.to_thread(request.param)
    return found


@pytest.fixture
async def server(world: World, program: Program) -> AsyncIterator[Server]:
    async with running(program, world.http, world.stack.ports, world.url) as server:
        yield server


@asynccontextmanager
async def running(
    program: Program, http: aiohttp.ClientSession, ports: Ports, url: str, **more: str
) -> AsyncIterator[Server]:
    port = str(unused_port())
    environment = {
        "LIVENESS_URL": url.removesuffix("/api"),
        "AUTHORITY": f"http://{HOST}:{ports.identity}",
        "PORT": port,
        **more,
    }
    folder = EXAMPLES / ("server-node" if program[0] == "node" else "server-python")
    words = program if program[0] == "node" else (*program, port)
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=os.environ | environment, stdout=asyncio.subprocess.PIPE
    )
    server = Server(http=http, url=f"http://{HOST}:{port}", told=asyncio.Queue())
    listening = asyncio.create_task(listen(process, server.told))
    try:
        await eventually(lambda: answers(server), expected=True)
        yield server
    finally:
        process.terminate()
        await process.wait()
        await listening


async def listen(process: asyncio.subprocess.Process, told: asyncio.Queue[str]) -> None:
    assert process.stdout
    async for line in process.stdout:
        told.put_nowait(line.decode().strip())


async def answers(server: Server) -> bool:
    try:
        await server.call("OPTIONS", "/events", headers={"WebHook-Request-Origin": "x"})
    except aiohttp.ClientError:
        return False
    return True


async def test_a_person_is_let_on_once_by_a_result_of_his_own(world: World, server: Server) -> None:
    ada = f"ada-{secrets.token_hex(4)}"
    check = await server.start(ada)
    early, _ = await server.read(check, ada)
    await world.play(check, "realface")
    await world.complete(check)

    assert early == 409
    assert (await server.read(check, "eve"))[0] == 404
    assert await server.read(check, ada) == (200, {"passed": True})
    assert await server.read(check, ada) == (200, {"passed": False})


async def test_nobody_starts_a_check_who_is_not_signed_in(server: Server) -> None:
    assert (await server.call("POST", "/checks"))[0] == 401


async def test_nobody_is_let_on_by_a_spoof_or_by_a_check_that_was_given_up(
    world: World, server: Server
) -> None:
    ada = f"ada-{secrets.token_hex(4)}"
    spoof, given_up = await server.start(ada), await server.start(ada)
    await world.play(spoof, "spoofface")
    await world.complete(spoof)
    await world.cancel(given_up)

    assert await server.read(spoof, ada) == (200, {"passed": False})
    assert await server.read(given_up, ada) == (200, {"passed": False})


async def test_an_event_is_taken_once_and_from_event_grid_only(
    world: World, server: Server
) -> None:
    send = partial(server.send, TokenIssuer(world.stack.state / "identity-key.pem"))
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    async with server.http.options(f"{server.url}/events", headers=asked) as answer:
        allowed = answer.headers["WebHook-Allowed-Origin"]

    assert allowed == "eventgrid.azure.net"
    assert (await server.call("POST", "/events", json=EVENT))[0] == 401
    assert await send(EVENT, aud="api://somebody-else") == 401
    assert await send(EVENT, exp=1) == 401
    assert await send(EVENT, appid="another-application") == 403
    assert await send(EVENT, tid="another-tenant") == 403
    assert [await send(EVENT) for _ in range(2)] == [200, 200]
    assert await send({**EVENT, "subject": "sessions/2", "id": "SessionCompleted:2"}) == 200
    assert [await server.told.get() for _ in range(2)] == [
        "FaceLiveness.SessionCompleted sessions/1",
        "FaceLiveness.SessionCompleted sessions/2",
    ]


async def test_a_server_is_told_how_a_check_of_the_app_has_ended(
    world: World, server: Server, configure: Callable[..., Awaitable[None]]
) -> None:
    topic = "EVENTS_TOPIC_ENDPOINT"
    await configure(**{topic: world.stack.settings[topic]})
    await world.face("webhook", {"url": f"{server.url}/events", "audience": EVENT_GRID["aud"]})
    check = await server.start(f"ada-{secrets.token_hex(4)}")
    await world.play(check, "realface")
    await world.complete(check)

    wanted = f"FaceLiveness.SessionCompleted sessions/{check.session_id}"
    async with asyncio.timeout(60):
        while await server.told.get() != wanted:
            pass
    await world.face("webhook", {"url": None})


async def test_with_entra_a_server_comes_with_its_own_identity_and_no_key(
    program: Program, tmp_path: Path
) -> None:
    ports = Ports.free()
    identity = {
        "LIVENESS_KEY": "none",
        "LIVENESS_SCOPE": "api://face-liveness/.default",
        "IDENTITY_ENDPOINT": f"http://{HOST}:{ports.identity}/msi/token",
        "IDENTITY_HEADER": HEADER,
    }
    async with (
        start_up(ports, tmp_path, SERVER_AUTH="entra") as process,
        aiohttp.ClientSession() as http,
    ):
        assert await ready_line(process) == f"ready http://{HOST}:{ports.host}\n"
        reading = asyncio.create_task(process.communicate())
        async with running(program, http, ports, f"http://{HOST}:{ports.host}", **identity) as one:
            check = await one.start("ada")
            status, _ = await one.read(check, "ada")
        reading.cancel()

    assert status == 409
