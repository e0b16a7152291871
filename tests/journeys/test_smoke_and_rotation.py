"""What an operator runs: the smoke test, the making of function keys, the rotation under load."""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import az_stand_in
from tests.support.world import FUNCTION_KEY, World

ROOT = Path(__file__).parents[2]
KEY = FUNCTION_KEY["x-functions-key"]


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


async def smoke(world: World, *more: str, key: str = KEY) -> Done:
    url = world.url.removesuffix("/api")
    return await run(sys.executable, "scripts/smoke", url, "--wait", "0", *more, SMOKE_KEY=key)


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

    done = await smoke(world)

    steps = [line.split("(")[0].split() for line in done.out.splitlines()]
    assert steps == [
        ["ok", "health"],
        ["ok", "create"],
        ["ok", "status"],
        ["ok", "wrong", "token"],
        ["ok", "cancel"],
    ]
    assert (done.code, done.err) == (0, "")
    assert await world.at_face() == before


async def test_smoke_fails_with_a_wrong_key_and_does_not_repeat_it(world: World) -> None:
    done = await smoke(world, key="a-key-of-nobody")

    assert done.code == 1
    assert "FAIL  create: expected 201, got 401" in done.out
    assert "a-key-of-nobody" not in done.out + done.err


async def test_smoke_says_what_may_be_wrong_when_face_refuses(world: World) -> None:
    await world.fail("create", status=403, code="UnsupportedFeature")

    done = await smoke(world)

    assert done.code == 1
    assert "502 FaceRefused" in done.out
    assert "Limited Access" in done.out


async def test_smoke_sends_no_key_over_plain_http_to_the_world() -> None:
    done = await run(sys.executable, "scripts/smoke", "http://example.com", SMOKE_KEY=KEY)

    assert done.code == 2
    assert KEY not in done.out + done.err


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


async def test_the_next_rotation_goes_back_to_the_first_key(azure: Azure) -> None:
    azure.become(secret={"tags.faceKey": "key2", "properties.attributes.updated": 0})

    done = await azure.run("scripts/rotate-face-key", "my-group")

    assert done.code == 0
    assert azure.changes() == ["regenerate Key1", "publish key1", "regenerate Key2"]


async def test_a_rotation_waits_until_the_last_one_has_arrived(azure: Azure) -> None:
    now = int(time.time())
    azure.become(secret={"tags.faceKey": "key2", "properties.attributes.updated": now})

    done = await azure.run("scripts/rotate-face-key", "my-group", ROTATE_MARGIN_SECONDS="1")

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
        pytest.param({"settings": {"FACE_AUTH": "entra"}}, "FACE_AUTH is entra", id="no key used"),
        pytest.param(
            {"secret": {"tags.faceKey": ""}},
            "does not say which key",
            id="a secret of somebody else",
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


async def test_function_keys_are_made_once_and_never_shown(azure: Azure) -> None:
    first = await azure.run("scripts/function-keys", "my-group", "func-1")
    second = await azure.run("scripts/function-keys", "my-group", "func-1")

    functions = azure.state["functions"]
    assert functions["start_session"] == {"default": "a", "start": "made"}
    assert functions["get_result"] == {"default": "b", "result": "made"}
    assert len([call for call in azure.state["calls"] if " set " in call]) == 2
    assert "is there already" in second.out
    assert "'start' made" in first.out


async def test_a_deployment_ends_with_keys_and_a_smoke_test(world: World, azure: Azure) -> None:
    azure.become(functions={"start_session": {"start": KEY}, "get_result": {}})

    url = world.url.removesuffix("/api")
    done = await azure.run("scripts/after-deploy", "my-group", "func-1", url)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("ok    cancel")
    assert KEY not in done.out
