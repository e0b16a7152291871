"""The app answers as its OpenAPI document says, whatever Schemathesis makes of that document."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.openapi.document import PATH
from tests.support.constants import FUNCTION_KEY
from tests.support.world import World

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# For each operation; a run by hand takes more.
EXAMPLES = os.environ.get("OPENAPI_EXAMPLES", "40")
# The others ask whether a platform answers 405, or whether all that a schema allows is good: no
# schema says which characters can be printed, or what is an image.
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "negative_data_rejection"),
)


def shown_bodies() -> Iterator[object]:
    for path, methods in json.loads(PATH.read_text(encoding="utf-8"))["paths"].items():
        body = methods.get("post", {}).get("requestBody", {"content": {"application/json": {}}})
        for name, shown in body["content"]["application/json"].get("examples", {}).items():
            yield pytest.param(path, shown["value"], id=f"{path} {name}")


async def test_the_app_serves_its_document_to_anybody(world: World) -> None:
    answer = await world.call("GET", "/openapi.json")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == PATH.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "body"), [*shown_bodies()])
async def test_a_body_that_the_document_shows_is_understood(
    world: World, path: str, body: dict[str, str]
) -> None:
    check = await world.start()
    headers = FUNCTION_KEY | check.token

    answer = await world.call(
        "POST", path.format(session_id=check.session_id), headers=headers, json=body
    )

    # Its person may be at a limit, or being erased: others send these bodies, too.
    refusals = {404: "ReceiptNotFound", 409: "PersonBeingErased", 429: "TooManySessions"}
    assert answer.status < 300 or answer.code == refusals.get(answer.status)


async def test_no_answer_is_one_that_the_document_does_not_know(
    world: World, tmp_path: Path
) -> None:
    environment = {
        "OPENAPI_BASE_URL": world.url,
        "OPENAPI_FACE_URL": world.stack.face_url,
        "SCHEMATHESIS_HOOKS": "tests.support.openapi_hooks",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    key = ": ".join(*FUNCTION_KEY.items())
    run = await asyncio.create_subprocess_exec(
        *(SCHEMATHESIS, "run", PATH, "--url", world.url, "--header", key),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", EXAMPLES, "--generation-deterministic", "--no-color"),
        *("--max-failures", "3", "--suppress-health-check", "all"),
        cwd=tmp_path,
        env=os.environ | environment,
        stdout=PIPE,
        stderr=STDOUT,
    )

    told, _ = await run.communicate()

    print(told.decode())  # noqa: T201 - how many calls it made
    assert run.returncode == 0
