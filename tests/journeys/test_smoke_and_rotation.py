"""What an operator runs: the smoke test, the making of function keys, the rotation under load."""

import ast
import asyncio
import json
import os
import runpy
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import Configure
from tests.rules.source import tree_of
from tests.support import az_stand_in
from tests.support.constants import FUNCTION_KEY, MASTER_KEY, STALE_SECONDS
from tests.support.world import World

ROOT = Path(__file__).parents[2]
KEY = FUNCTION_KEY["x-functions-key"]
MASTER = MASTER_KEY["x-functions-key"]
OPERATORS = (
    *("resend_event", "get_readiness"),
    *("unlock_person", "list_person_sessions", "erase_person"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str


async def run(*command: str, **environment: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Done(code=process.returncode or 0, out=out.decode(), err=err.decode())


async def smoke(url: str, *, key: str = KEY, master_key: str = "") -> Done:
    command = (sys.executable, "scripts/smoke", url.removesuffix("/api"), "--wait", "0")
    return await run(*command, SMOKE_KEY=key, SMOKE_MASTER_KEY=master_key)


def steps_of(done: Done) -> list[str]:
    return [line.split("(")[0].strip() for line in done.out.splitlines()]


def triggers() -> dict[str, str]:
    """Name every function of the app with the decorators that make it one."""
    return {
        function.name: " ".join(map(ast.unparse, function.decorator_list))
        for function in tree_of(ROOT / "function_app.py").body
        if isinstance(function, ast.AsyncFunctionDef) and function.decorator_list
    }


FUNCTIONS = sorted(triggers())
LISTED = [{"name": name, "isDisabled": False} for name in FUNCTIONS]
# What the host says of functions that are all there and sound.
SOUND: dict[str, object] = {
    "/admin/functions": LISTED,
    "/admin/functions/record_result/status": {},
    "/admin/functions/sweep_stale_sessions/status": {},
}


@asynccontextmanager
async def administered(world: World, told: dict[str, object]) -> AsyncIterator[str]:
    """Put a server in front of the app that answers what an administrator asks of the host."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if not request.path.startswith("/admin/"):
            return await forward(request)
        if request.headers["x-functions-key"] != MASTER:
            return web.Response(status=403)
        return web.json_response(told[request.path])

    async def forward(request: web.BaseRequest) -> web.Response:
        url = world.url.removesuffix("/api") + request.path_qs
        body = await request.read()
        sent = {name: request.headers[name] for name in request.headers if name != "Host"}
        async with world.http.request(request.method, url, headers=sent, data=body) as response:
            return web.Response(status=response.status, body=await response.read())

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """An Azure CLI that is none, and what it has done."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def become(self, **state: object) -> None:
        """Change what Azure is like."""
        text = json.dumps({**az_stand_in.AFTER_A_DEPLOYMENT, **state})
        (self.folder / "state.json").write_text(text)

    def changes(self) -> list[str]:
        """List the commands that changed something, in short."""
        found = []
        for call in self.state["calls"]:
            words = call.split()
            if "regenerate" in words:
                found.append(f"regenerate {words[words.index('--key-name') + 1]}")
            elif "create" in words:
                found.append(f"publish {words[-1].removeprefix('keyName=')}")
        return found

    async def run(self, *command: str, **environment: str) -> Done:
        """Run a script that meets this az, and waits for nothing unless told to."""
        hurry = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "AZ_STATE": str(self.folder / "state.json"),
            "ROTATE_PROPAGATION_SECONDS": "0",
            "ROTATE_MARGIN_SECONDS": "0",
            "FUNCTION_KEYS_PAUSE_SECONDS": "0",
        }
        return await run(*command, **{**hurry, **environment})


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    script = tmp_path / "az"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{az_stand_in.__file__}" "$@"\n')
    script.chmod(0o700)
    azure = Azure(folder=tmp_path)
    azure.become()
    return azure


async def test_smoke_passes_step_by_step_and_leaves_nothing_open(world: World) -> None:
    before = await world.at_face()

    async with administered(world, SOUND) as url:
        done = await smoke(url, master_key=MASTER)

    assert steps_of(done) == [
        "ok    health", "ok    functions", "ok    ready", "ok    create", "ok    status",
        "ok    wrong token",
        "ok    cancel",
    ]  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert await world.at_face() == before


async def test_smoke_says_what_it_cannot_see_without_a_master_key(world: World) -> None:
    done = await smoke(world.url)

    assert done.out.splitlines()[0] == "skip  functions, ready: no SMOKE_MASTER_KEY is given"
    assert (done.code, len(steps_of(done))) == (0, 6)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        pytest.param(
            {"/admin/functions": LISTED[:-1]},
            f"not loaded: {FUNCTIONS[-1]};",
            id="one is not there",
        ),
        pytest.param({"/admin/functions": []}, f"not loaded: {FUNCTIONS[0]}, ", id="none is"),
        pytest.param({"/admin/functions": None}, f"not loaded: {FUNCTIONS[0]}, ", id="no list"),
        pytest.param(
            {"/admin/functions/record_result/status": {"errors": ["no such\n queue"]}},
            "record_result is switched off: ['no such",
            id="the queue's is switched off",
        ),
        pytest.param(
            {"/admin/functions/sweep_stale_sessions/status": {"errors": ["bad schedule"]}},
            "sweep_stale_sessions is switched off: ['bad schedule']",
            id="the timer's is switched off",
        ),
    ],
)
async def test_smoke_fails_where_a_function_does_not_run_though_the_app_is_healthy(
    world: World, told: dict[str, object], complaint: str
) -> None:
    async with administered(world, {**SOUND, **told}) as url:
        done = await smoke(url, master_key=MASTER)

    assert (done.code, steps_of(done)[0]) == (1, "ok    health")
    assert f"FAIL  functions: {complaint}" in done.out


async def test_smoke_fails_with_another_key_for_the_master_key(world: World) -> None:
    async with administered(world, SOUND) as url:
        done = await smoke(url, master_key="a-key-of-nobody")

    assert done.code == 1
    assert "SMOKE_MASTER_KEY is not the app's master key" in done.out
    assert "a-key-of-nobody" not in done.out + done.err


def test_smoke_knows_every_function_and_which_nobody_calls() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "smoke"))
    uncalled = {name for name, made_by in triggers().items() if "app.route" not in made_by}

    assert script["functions_of_the_app"]() == set(triggers())
    assert set(script["UNCALLED"]) == uncalled


async def test_smoke_fails_with_a_wrong_key_and_does_not_repeat_it(world: World) -> None:
    done = await smoke(world.url, key="a-key-of-nobody")

    assert done.code == 1
    assert "FAIL  create: expected 201, got 401" in done.out
    assert "a-key-of-nobody" not in done.out + done.err


async def test_smoke_says_what_may_be_wrong_when_face_refuses(world: World) -> None:
    await world.fail("create", status=403, code="UnsupportedFeature")

    done = await smoke(world.url)

    assert done.code == 1
    assert "502 FaceRefused" in done.out
    assert "Limited Access" in done.out


async def test_while_creates_are_stopped_smoke_says_so_and_what_is_open_goes_on_to_its_end(
    world: World, configure: Configure
) -> None:
    reported, swept = await world.start(), await world.start()
    await world.play(reported, "realface")
    await configure(ALLOW_CREATES="false")

    device = {"deviceCorrelationId": "d-1"}
    refused, done = await world.create(json=device), await smoke(world.url)
    completed = await world.complete(reported)
    await world.wait(STALE_SECONDS)
    await world.sweep()

    assert (refused.status, refused.code) == (503, "CreatesPaused")
    assert refused.headers["Retry-After"] == str(refused.body["retryAfterSeconds"])
    assert (done.code, "Stop creating sessions" in done.out) == (1, True)
    assert (completed.status, completed.body["status"]) == (200, "completed")
    assert (await world.verdict(swept))[0] == "abandoned"


async def test_smoke_sends_no_key_over_plain_http_to_the_world() -> None:
    done = await run(sys.executable, "scripts/smoke", "http://example.com", SMOKE_KEY=KEY)

    assert done.code == 2
    assert KEY not in done.out + done.err


SHARED = (
    "/subscriptions/a-sub/resourceGroups/Central"
    "/providers/Microsoft.CognitiveServices/accounts/face-of-all"
)


def with_setting(name: str, value: str) -> dict[str, str]:
    return {**az_stand_in.AFTER_A_DEPLOYMENT["settings"], f"FACE_KEY_{name}": value}


def changed_at(moment: object) -> dict[str, object]:
    secret = az_stand_in.AFTER_A_DEPLOYMENT["secret"]
    return {**secret, "tags.faceKey": "key2", "properties.attributes.updated": moment}


def of_account(account_id: str) -> dict[str, object]:
    return {**changed_at(0), "tags.faceKey": "key1", "tags.faceAccountId": account_id}


async def keep_calling(world: World, seen: Counter[int], stop: asyncio.Event) -> None:
    while not stop.is_set():
        started = await world.create(json={"deviceCorrelationId": os.urandom(8).hex()})
        seen[started.status] += 1
        if started.status == 201:
            token = {"X-Session-Token": started.body["sessionToken"]}
            path = f"/sessions/{started.body['sessionId']}"
            for method in ("GET", "DELETE"):
                seen[(await world.call(method, path, headers=token)).status] += 1


async def test_both_keys_are_rotated_under_load_and_no_request_fails(
    world: World, azure: Azure
) -> None:
    seen, stop = Counter[int](), asyncio.Event()

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(keep_calling(world, seen, stop))
        done = await azure.run(
            "scripts/rotate-face-key", "my-group", AZ_FACE_URL=world.stack.face_url
        )
        stop.set()

    assert (done.code, done.err) == (0, "")
    assert azure.changes() == ["regenerate Key2", "publish key2", "regenerate Key1"]
    assert azure.state["keys"] == {"key1": "new-key1", "key2": "new-key2"}
    assert set(seen) == {201, 200, 204}
    assert seen[201] > 10


async def test_the_keys_of_an_account_of_others_are_rotated_where_they_lie(azure: Azure) -> None:
    azure.become(secret=of_account(SHARED))

    done = await azure.run("scripts/rotate-face-key", "--shared", "my-group")

    assert (done.code, done.err) == (0, "")
    (first, _) = (one for one in azure.state["calls"] if "regenerate" in one)
    assert "--subscription a-sub --resource-group Central --name face-of-all" in first
    (published,) = (one for one in azure.state["calls"] if "deployment group create" in one)
    assert "faceSubscriptionId=a-sub faceResourceGroup=Central" in published


async def test_the_next_rotation_goes_back_to_the_first_key(azure: Azure) -> None:
    azure.become(secret=changed_at(0))

    done = await azure.run("scripts/rotate-face-key", "my-group")

    assert done.code == 0
    assert azure.changes() == ["regenerate Key1", "publish key1", "regenerate Key2"]


async def test_a_rotation_waits_until_the_last_one_has_arrived(azure: Azure) -> None:
    azure.become(secret=changed_at(int(time.time()) + 3600))
    sleep = azure.folder / "sleep"
    sleep.write_text("#!/bin/sh\n")
    sleep.chmod(0o700)

    done = await azure.run("scripts/rotate-face-key", "my-group", ROTATE_MARGIN_SECONDS="3600")

    steps = [line.split()[1] for line in done.out.splitlines()]
    assert steps == ["func-1", "waiting", "making", "writing", "waiting", "making", "done:"]


async def test_a_dry_run_tells_all_and_changes_nothing(azure: Azure) -> None:
    done = await azure.run("scripts/rotate-face-key", "--dry-run", "my-group")

    assert done.code == 0
    assert azure.changes() == []
    assert "making key2 of face-1 new" in done.out
    assert "making key1 of face-1 new" in done.out


async def test_a_rotation_shows_no_key_to_anybody(azure: Azure) -> None:
    done = await azure.run("scripts/rotate-face-key", "my-group")

    told = done.out + done.err + " ".join(azure.state["calls"])
    assert not [key for key in ("first-", "new-key") if key in told]


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        pytest.param({"Microsoft.Web/sites": ""}, "no Microsoft.Web/sites", id="wrong group"),
        pytest.param(
            {"Microsoft.KeyVault/vaults": "a\nb"},
            "more than one Microsoft.KeyVault",
            id="two vaults",
        ),
        pytest.param({"secret": of_account("")}, "does not say whose key", id="nobody's key"),
        pytest.param(
            {"secret": of_account(f"{az_stand_in.ACCOUNTS}/a b")}, "whose key", id="no account"
        ),
        pytest.param({"secret": of_account(SHARED)}, "then add --shared", id="a shared account"),
        pytest.param({"settings": {"FACE_AUTH": "entra"}}, "FACE_AUTH is entra", id="no key used"),
        pytest.param(
            {"secret": {**changed_at(0), "tags.faceKey": ""}},
            "does not say which key",
            id="a secret of somebody else",
        ),
        pytest.param(
            {"settings": with_setting("SECRET_NAME", "@/etc/passwd")},
            "must have the name of a secret",
            id="a file for the secret's name",
        ),
        pytest.param(
            {"settings": with_setting("CACHE_SECONDS", "0600")}, "whole number", id="octal"
        ),
        pytest.param(
            {"settings": with_setting("CACHE_SECONDS", "9" * 20)}, "whole number", id="overflow"
        ),
        pytest.param(
            {"settings": with_setting("CACHE_SECONDS", "")}, "whole number", id="no cache age"
        ),
    ],
)
async def test_a_rotation_that_cannot_be_safe_is_refused(
    azure: Azure, state: dict[str, object], complaint: str
) -> None:
    azure.become(**state)

    done = await azure.run("scripts/rotate-face-key", "my-group")

    assert done.code == 1
    assert complaint in done.err
    assert azure.changes() == []


RUN_AS_CODE = "face[$(touch $AZ_STATE.ran)]"


@pytest.mark.parametrize(
    "shell", [["dash"], ["bash"], ["bash", "--posix"]], ids=["dash", "bash", "bash as sh"]
)
@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"settings": with_setting("CACHE_SECONDS", RUN_AS_CODE)}, id="cache age"),
        pytest.param({"secret": changed_at(RUN_AS_CODE)}, id="last change"),
    ],
)
async def test_a_rotation_runs_nothing_that_azure_says_as_code(
    azure: Azure, shell: list[str], state: dict[str, object]
) -> None:
    azure.become(**state)

    done = await azure.run(*shell, "scripts/rotate-face-key", "--dry-run", "my-group")

    assert "must be a whole number" in done.err
    assert "waiting" not in done.out
    assert done.code == 1
    assert not (azure.folder / "state.json.ran").exists()


async def test_servers_have_one_key_and_operators_another_which_nobody_is_shown(
    azure: Azure,
) -> None:
    first = await azure.run("scripts/function-keys", "my-group", "func-1")
    second = await azure.run("scripts/function-keys", "my-group", "func-1")

    functions = azure.state["functions"]
    server, operator = "made-server-of-start_session", "made-operator-of-resend_event"
    assert functions["start_session"] == {"default": "a", "server": server}
    assert functions["get_session_image"] == {"default": "c", "server": server}
    assert functions["get_result"]["server"] == functions["consume_result"]["server"] == server
    assert [functions[name] for name in OPERATORS] == [{"operator": operator}] * len(OPERATORS)
    assert len([one for one in azure.state["calls"] if " set " in one or "rest" in one]) == 9
    assert ("'server' is made" in first.out, "is there already" in second.out) == (True, True)
    assert "made-" not in first.out + second.out + "".join(azure.state["calls"])


async def test_function_keys_are_rotated_by_a_second_of_each(azure: Azure) -> None:
    def keys() -> list[set[str]]:
        functions = azure.state["functions"]
        return [set(functions[name]) - {"default"} for name in ("get_result", "erase_person")]

    rotate = "scripts/rotate-function-keys"
    await azure.run("scripts/function-keys", "my-group", "func-1")
    begun = await azure.run(rotate, "my-group", "func-1")
    both = keys()
    again = await azure.run(rotate, "my-group", "func-1")
    done = await azure.run(rotate, "--keep", "server2", "my-group", "func-1")
    await azure.run("scripts/function-keys", "my-group", "func-1")

    assert "--keep server2 my-group func-1" in begun.out
    assert both == [{"server", "server2"}, {"operator", "operator2"}]
    assert (again.code, "both keys are there" in again.err) == (1, True)
    assert (done.code, keys()) == (0, [{"server2"}, {"operator2"}])
    await azure.run(rotate, "my-group", "func-1")
    await azure.run(rotate, "--keep", "server", "my-group", "func-1")
    assert keys() == [{"server"}, {"operator"}]


@pytest.mark.parametrize(
    ("function", "only", "keep", "complaint"),
    [
        ("erase_person", "operator", "server2", "erase_person has no key 'operator2'"),
        ("start_session", "server", "server2", "start_session has no key 'server2'"),
        ("start_session", "server", "server3", "usage:"),
    ],
)
async def test_no_function_key_is_deleted_where_one_has_none_to_take_its_place(
    azure: Azure, function: str, only: str, keep: str, complaint: str
) -> None:
    both = {"server": "a", "server2": "b", "operator": "c", "operator2": "d"}
    functions = dict.fromkeys(az_stand_in.AFTER_A_DEPLOYMENT["functions"], both)
    azure.become(functions={**functions, function: {only: "a"}})

    done = await azure.run("scripts/rotate-function-keys", "--keep", keep, "my-group", "func-1")

    assert (done.code, complaint in done.err) == (1, True)
    assert not [one for one in azure.state["calls"] if "keys delete" in one]


@pytest.mark.parametrize("functions", [{"start_session": {"server": "a"}}, None])
async def test_function_keys_that_were_not_deleted_are_not_called_gone(
    azure: Azure, functions: object
) -> None:
    # Without functions the stand-in fails, as az does where nobody is logged in.
    azure.become(functions=functions)

    done = await azure.run("scripts/rotate-function-keys", "--keep", "server", "my-group", "func-1")

    assert (done.code, done.out) == (1, "")


async def test_a_deployment_ends_with_keys_and_a_smoke_test(world: World, azure: Azure) -> None:
    others = ("get_result", "get_session_image", "consume_result", *OPERATORS)
    azure.become(functions={"start_session": {"server": KEY}, **{name: {} for name in others}})

    async with administered(world, SOUND) as url:
        done = await azure.run("scripts/after-deploy", "my-group", "func-1", url)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("ok    cancel")
    assert not [key for key in (KEY, MASTER) if key in done.out]
