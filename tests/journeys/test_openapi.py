"""The app answers as its OpenAPI document says, whatever Schemathesis makes of that document."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

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


async def test_the_app_serves_its_document_to_anybody(world: World) -> None:
    answer = await world.call("GET", "/openapi.json")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == PATH.read_text(encoding="utf-8")


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
