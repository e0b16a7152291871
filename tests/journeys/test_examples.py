"""What the README quotes as examples does what it says, as a newcomer would run it."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from tests.support.world import World, picture

CHECK = Path(__file__).parents[2] / "examples" / "check.sh"


async def start_check(world: World, *words: str, **environment: str) -> Process:
    base_url = {"BASE_URL": world.url.removesuffix("/api")}
    return await asyncio.create_subprocess_exec(
        CHECK, *words, env=os.environ | base_url | environment, stdout=PIPE, stderr=PIPE
    )


async def result_of(check: Process) -> dict[str, Any]:
    output, told = await check.communicate()
    assert check.returncode == 0, told.decode()
    body: dict[str, Any] = json.loads(output)
    last_words = told.decode().splitlines()[-1]
    assert last_words == f"server: reads {body['outcome'] or 'no outcome'}"
    return body


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ((), ("completed", "passed", [])),
        (("spoofface",), ("completed", "rejected", ["Spoof"])),
        (("canceled",), ("completed", "inconclusive", ["Canceled"])),
        (("error:FaceWithMaskDetected",), ("canceled", None, ["CanceledDuringCheck"])),
    ],
    ids=[
        "a real face",
        "a spoof",
        "a person who cancels",
        "an error, and no second try",
    ],
)
async def test_example_plays_a_whole_check_to_the_result_that_your_server_reads(
    world: World, words: tuple[str, ...], ending: tuple[str, str | None, list[str]]
) -> None:
    result = await result_of(await start_check(world, *words))

    assert (result["status"], result["outcome"], result["reasons"]) == ending
    assert result["kind"] == "liveness"


async def test_example_compares_the_face_with_an_image_where_one_is_given(
    world: World, tmp_path: Path
) -> None:
    image = tmp_path / "me, in 2026.jpg"
    image.write_bytes(picture())

    result = await result_of(await start_check(world, "realface", str(image)))

    assert (result["kind"], result["outcome"]) == ("livenessWithVerify", "passed")


async def test_example_waits_while_the_app_has_no_result_yet(world: World) -> None:
    await world.fail("get", times=999, status=503)

    check = await start_check(world)
    assert check.stderr
    async for line in check.stderr:
        if line.startswith(b"frontend: GET"):
            break
    await world.clear_faults()

    assert (await result_of(check))["outcome"] == "passed"


@pytest.mark.parametrize(
    ("words", "base_url", "complaint"),
    [
        pytest.param(["no-such"], None, "OUTCOME must be one of", id="another outcome"),
        pytest.param(["realface", "none.jpg"], None, "IMAGE cannot be read", id="no image"),
        pytest.param([], "http://localhost", "BASE_URL must end with a port", id="no port"),
        pytest.param([], "http://localhost:7071/api", "BASE_URL must end", id="a path"),
    ],
)
async def test_example_names_what_is_wrong_before_there_is_a_session(
    world: World, words: list[str], base_url: str | None, complaint: str
) -> None:
    before = await world.face_calls()

    check = await start_check(world, *words, **({"BASE_URL": base_url} if base_url else {}))
    output, told = await check.communicate()

    assert (check.returncode, output) == (2, b"")
    assert told.decode().startswith(f"check.sh: {complaint}")
    assert await world.face_calls() == before


async def test_example_ends_at_once_with_what_the_app_says(world: World) -> None:
    base_url = f"{world.url.removesuffix('/api')}/"
    check = await start_check(world, BASE_URL=base_url, FUNCTION_KEY="wrong")
    output, told = await check.communicate()

    assert (check.returncode, output) == (1, b"")
    assert b"401" in told


async def test_example_says_that_nobody_is_there(world: World) -> None:
    check = await start_check(world, BASE_URL=f"http://127.0.0.1:{unused_port()}")
    output, told = await check.communicate()

    assert (check.returncode, output) == (1, b"")
    assert b"is 'make run' ready" in told
