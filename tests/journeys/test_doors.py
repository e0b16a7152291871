"""Every route has one door on the local host: a key or an access token, or a session's token.

With keys it is the host of all journeys, with tokens a stack of its own, as `make run` starts it.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from local.azure.identity import HEADER
from local.openapi.routes import ROUTES, Route
from local.ports import HOST, Ports
from shared.api.door import Audience
from tests.support import az_stand_in
from tests.support.constants import FUNCTION_KEY, MASTER_KEY
from tests.support.up import ready_line, start_up
from tests.support.world import Answer, World

ROOT = Path(__file__).parents[2]
BY_CALLER = [route for route in ROUTES if route.audience in {Audience.SERVER, Audience.OPERATOR}]
BY_SESSION = [route for route in ROUTES if route.audience is Audience.FRONTEND]
FOR_ANYBODY = [route for route in ROUTES if route.audience is None]
NO_SESSION = "5" + "0123456789abcdef" * 2
# As a server of yours has it in Azure: nothing but its environment.
AS_A_SERVER_DOES = """
import asyncio
from azure.identity.aio import DefaultAzureCredential

async def main():
    async with DefaultAzureCredential() as identity:
        print((await identity.get_token("api://face-liveness/.default")).token)

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever calls a stack from outside."""

    http: aiohttp.ClientSession
    ports: Ports
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401 - aiohttp's
        headers = {**self.headers, **options.pop("headers", {})}
        async with self.http.request(method, url, headers=headers, **options) as answer:
            text = await answer.text()
            return Answer(status=answer.status, headers=answer.headers, content=text.encode())

    async def open(self, route: Route, **headers: str) -> Answer:
        """Knock, with nothing in the hands but these headers."""
        path = route.path.replace("{session_id}", NO_SESSION)
        return await self.call(route.method, self.app(path), headers=headers)

    async def control(self, name: str, body: object = None, method: str = "POST") -> None:
        url = f"http://{HOST}:{self.ports.face}/simulator/{name}"
        assert (await self.call(method, url, json=body)).status == 204

    async def create(self, token: str) -> Answer:
        body = {"deviceCorrelationId": os.urandom(8).hex()}
        return await self.call("POST", self.app("/sessions"), json=body, headers=bearer(token))

    async def token(self) -> str:
        """Ask for one as azure-identity does, which would keep the last one for hours."""
        query = {"resource": "api://face-liveness", "api-version": "2019-08-01"}
        url = f"http://{HOST}:{self.ports.identity}/msi/token"
        headers = {"X-IDENTITY-HEADER": HEADER}
        answer = await self.call("GET", url, params=query, headers=headers)
        return str(answer.body["access_token"])

    def app(self, path: str) -> str:
        return f"http://{HOST}:{self.ports.host}/api{path}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def name_of(route: Route) -> str:
    return f"{route.method} {route.function}"


@pytest_asyncio.fixture(scope="module")
async def entra(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Caller]:
    """Run everything as `SERVER_AUTH=entra make run` does."""
    ports, state = Ports.free(), tmp_path_factory.mktemp("entra")
    settings = {"SERVER_AUTH": "entra", "SWEEP_SCHEDULE": "0 0 0 1 1 *"}
    async with start_up(ports, state, **settings) as process, aiohttp.ClientSession() as http:
        assert await ready_line(process) == f"ready http://{HOST}:{ports.host}\n"
        reading = asyncio.create_task(process.communicate())
        yield Caller(http=http, ports=ports)
        reading.cancel()


@pytest.fixture
def keyed(world: World) -> Caller:
    return Caller(http=world.http, ports=world.stack.ports)


@pytest.mark.parametrize("route", BY_CALLER, ids=name_of)
async def test_with_keys_a_key_opens_a_route_and_no_token_does(
    keyed: Caller, entra: Caller, route: Route
) -> None:
    assert (await keyed.open(route, **FUNCTION_KEY)).status not in {401, 403}
    for wrong in ({}, {"x-functions-key": "wrong"}, bearer(await entra.token())):
        answer = await keyed.open(route, **wrong)
        assert (answer.status, answer.text) == (401, "")


@pytest.mark.parametrize("route", BY_CALLER, ids=name_of)
async def test_with_entra_a_token_opens_a_route_and_no_key_does(
    entra: Caller, route: Route
) -> None:
    assert (await entra.open(route, **bearer(await entra.token()))).status not in {401, 403}
    for wrong in ({}, FUNCTION_KEY, MASTER_KEY, bearer("local-function-key")):
        answer = await entra.open(route, **wrong)
        assert (answer.status, answer.code) == (401, "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.body["error"]["message"] == "The access token is missing or not good."


async def test_a_session_is_opened_by_its_own_token_alone_and_health_by_anybody(
    keyed: Caller, entra: Caller
) -> None:
    openers = [FUNCTION_KEY, MASTER_KEY, bearer(await entra.token())]
    for caller in (keyed, entra):
        answers = [await caller.open(route, **one) for route in BY_SESSION for one in openers]
        assert {(answer.status, answer.code) for answer in answers} == {(404, "SessionNotFound")}
        assert {(await caller.open(route)).status for route in FOR_ANYBODY} == {200}


async def test_a_servers_identity_opens_a_session_and_is_found_in_its_result(
    entra: Caller,
) -> None:
    environment = {
        "IDENTITY_ENDPOINT": f"http://{HOST}:{entra.ports.identity}/msi/token",
        "IDENTITY_HEADER": HEADER,
        "AZURE_CLIENT_ID": "22222222-2222-2222-2222-222222222222",
    }
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", AS_A_SERVER_DOES, env={**os.environ, **environment}, stdout=PIPE
    )
    token = (await server.communicate())[0].decode().strip()
    created = (await entra.create(token)).body
    session = entra.app(f"/sessions/{created['sessionId']}")

    await entra.call("DELETE", session, headers={"X-Session-Token": created["sessionToken"]})
    result = await entra.call("GET", f"{session}/result", headers=bearer(token))
    assert result.body["createdBy"]["appId"] == environment["AZURE_CLIENT_ID"]
    assert len(result.body["createdBy"]["objectId"]) == 36


@pytest.mark.parametrize("outcome", ["realface", "spoofface"])
async def test_the_example_plays_a_check_with_a_token(entra: Caller, outcome: str) -> None:
    url = f"http://{HOST}:{entra.ports.host}"
    code, told = await run("examples/check.sh", outcome, BASE_URL=url, SERVER_AUTH="entra")

    assert code == 0, told
    (result,) = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    assert result["status"] == "completed"
    assert "eyJ" not in told


async def test_the_page_starts_a_check_with_a_token(entra: Caller) -> None:
    page = f"http://{HOST}:{entra.ports.page}"

    started = await entra.call("POST", f"{page}/server/start", data={})
    result = await entra.call("GET", f"{page}/server/result/{started.body['sessionId']}")

    assert started.status == 201
    assert result.body["body"]["error"]["code"] == "SessionNotFinal"


@pytest.mark.parametrize(
    ("roles", "status"),
    [([], 403), (["Liveness.Operator"], 403), (["Liveness.Server"], 201)],
    ids=["no role", "the other audience's", "its own"],
)
async def test_only_the_role_of_a_server_opens_a_session(
    entra: Caller, roles: list[str], status: int
) -> None:
    await entra.control("roles", {"roles": roles})
    answer = await entra.create(await entra.token())
    await entra.control("roles", {"roles": ["Liveness.Server", "Liveness.Operator"]})

    assert answer.status == status
    assert status == 201 or answer.code == "Forbidden"


async def test_entra_may_rotate_its_key_and_be_away_and_no_call_fails(entra: Caller) -> None:
    tokens = [await entra.token()]
    for _ in range(3):
        await entra.control("signing-key")
        tokens.append(await entra.token())
        assert {(await entra.create(token)).status for token in tokens} == {201}

    await entra.control("faults", {"operation": "identity", "times": 1_000_000, "status": 503})
    answers = [(await entra.create(token)).status for token in tokens * 5]
    await entra.control("faults", method="DELETE")
    assert set(answers) == {201}


async def run(*command: str, **environment: str) -> tuple[int | None, str]:
    """Run a script from this folder, and give its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env={**os.environ, **environment}, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def deploy(entra: Caller, folder: Path, tokens: dict[str, str]) -> tuple[int | None, str]:
    """Run what ends a deployment, as somebody who is logged in and gets these tokens."""
    settings = {"SERVER_AUTH": "entra", "ENTRA_AUDIENCE": "api://face-liveness"}
    state = {**az_stand_in.AFTER_A_DEPLOYMENT, "settings": settings, "tokens": tokens}
    (folder / "state.json").write_text(json.dumps(state))
    az = folder / "az"
    az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{az_stand_in.__file__}" "$@"\n')
    az.chmod(0o700)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    url = f"http://{HOST}:{entra.ports.host}"
    command = ("scripts/after-deploy", "my-group", "func-1", url)
    return await run(*command, PATH=path, AZ_STATE=str(folder / "state.json"))


async def test_a_deployment_ends_with_a_smoke_test_by_a_token_and_makes_no_key(
    entra: Caller, tmp_path: Path
) -> None:
    token = await entra.token()
    code, told = await deploy(entra, tmp_path, {"api://face-liveness/.default": token})

    calls = json.loads((tmp_path / "state.json").read_text())["calls"]
    assert code == 0, told
    assert told.splitlines()[-1].startswith("ok    cancel")
    assert "ok    functions" in told
    assert not [call for call in calls if "function keys" in call]
    assert token not in told


async def test_a_deployment_by_somebody_without_a_token_says_what_to_read(
    entra: Caller, tmp_path: Path
) -> None:
    code, told = await deploy(entra, tmp_path, {})

    assert code == 1
    assert "after-deploy: Entra gives you no token for the app: see docs/entra.md" in told


@pytest.mark.parametrize("roles", [[], ["Directory.Read.All"]], ids=["none", "another's"])
async def test_a_deployment_sends_the_app_no_token_that_is_not_for_it(
    entra: Caller, tmp_path: Path, roles: list[str]
) -> None:
    await entra.control("roles", {"roles": roles})
    token = await entra.token()
    await entra.control("roles", {"roles": ["Liveness.Server", "Liveness.Operator"]})

    code, told = await deploy(entra, tmp_path, {"api://face-liveness/.default": token})

    assert code == 1
    assert told.startswith("after-deploy: Entra's token for ENTRA_AUDIENCE has no role of this app")
    assert token not in told


@pytest.mark.parametrize(
    ("roles", "opener", "complaint"),
    [
        (["Liveness.Operator"], "SMOKE_TOKEN", "403 Forbidden: the token's owner needs the role"),
        ([], "SMOKE_KEY", "401 Unauthorized: the app wants an access token"),
    ],
    ids=["no role", "a key"],
)
async def test_smoke_says_what_is_missing(
    entra: Caller, roles: list[str], opener: str, complaint: str
) -> None:
    await entra.control("roles", {"roles": roles})
    token = await entra.token()
    await entra.control("roles", {"roles": ["Liveness.Server", "Liveness.Operator"]})
    url = f"http://{HOST}:{entra.ports.host}"

    code, told = await run(sys.executable, "scripts/smoke", url, "--wait", "0", **{opener: token})

    assert code == 1
    assert f"FAIL  create: expected 201, got {complaint}" in told
    assert token not in told
