"""What a reader copies from the documents runs, and the JSON that they show is what comes back.

Against the local stack, or against stand-ins of programs that would reach the world.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.openapi.routes import ROUTES
from tests.rules.source import ROOT
from tests.rules.test_package import repository_files
from tests.support import az_stand_in, command_stubs
from tests.support.constants import FUNCTION_KEY
from tests.support.documents import Command, Document, documents
from tests.support.world import World, picture

# What else a command may use of this machine; anything more is to be a stand-in, or to be added.
TOOLS = (
    *("bash", "cat", "cp", "cut", "date", "dirname", "env", "grep", "head", "ls", "mkdir", "mv"),
    *("od", "rm", "sed", "sh", "sort", "tail", "touch", "tr", "uname", "wc", "xargs"),
)
# Tried by tests of their own; here it counts what they are given.
TRIED_ELSEWHERE = ("smoke", "preflight", "events-webhook")
# Run whole, against an Entra that keeps what it is told, by tests/rules/test_entra_document.py.
RUN_ELSEWHERE = {"docs/entra.md"}
WITH_COMMANDS = [one for one in documents() if one.commands and one.name not in RUN_ELSEWHERE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody with a clone of the repository, who types what stands there."""

    home: Path
    environment: dict[str, str]

    async def type(self, *commands: Command, folder: str = ".") -> str:
        """Run commands in one shell, each from the same folder; say what went wrong, and where."""
        start = f"cd '{self.home}/clone/{folder}'"
        steps = (f"{start}\necho {one.line} >'{self.home}/line'\n{one.text}\n" for one in commands)
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-e", "-c", "".join(steps)), env=self.environment, stdout=PIPE, stderr=PIPE
        )
        _, told = await process.communicate()
        faults = (self.home / "faults").read_text()
        if not process.returncode and not faults:
            return ""
        return f"at line {(self.home / 'line').read_text()}{faults or told.decode()[-1000:]}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a clone of what lies here, with a commit to roll back to, and stand-ins beside it."""
    home = tmp_path_factory.mktemp("reader")
    for name in repository_files():
        target = home / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    write_stub(home / "clone" / ".venv" / "bin" / "python", "python")
    write_stub(home / ".local" / "bin" / "uv", "uv")
    for name in command_stubs.PROGRAMS.keys() - {"python", "uv"}:
        write_stub(home / "programs" / name, name)
    for name in TRIED_ELSEWHERE:
        write_script_stub(home / "clone" / "scripts" / name, name)
    for name in TOOLS:
        (home / "programs" / name).symlink_to(shutil.which(name) or f"/no/{name}")
    (home / "programs" / "python3").symlink_to(Path(sys.executable).resolve())
    (home / "clone" / "me.jpg").write_bytes(picture())
    git = ["git", "-C", str(home / "clone"), "-c", "user.name=a", "-c", "user.email=a@a.test"]
    subprocess.run([*git, "init", "--quiet"], check=True)  # noqa: S603 - our own words
    subprocess.run([*git, "add", "--all"], check=True)  # noqa: S603 - our own words
    for message in ("one", "two"):
        commit = [*git, "commit", "--quiet", "--allow-empty", "--message", message]
        subprocess.run(commit, check=True)  # noqa: S603 - our own words
    return home


def write_stub(path: Path, program: str) -> None:
    """Write a program that is its stand-in."""
    words = f"PYTHONPATH='{ROOT}' exec '{sys.executable}' '{command_stubs.__file__}' {program}"
    write_program(path, f'#!/bin/sh\n{words} "$@"\n')


def write_script_stub(path: Path, program: str) -> None:
    """Write it in Python, for whoever runs it by `python3 scripts/...`."""
    path.unlink()
    words = f"{[sys.executable, command_stubs.__file__, program]} + sys.argv[1:]"
    environment = f"dict(os.environ, PYTHONPATH={str(ROOT)!r})"
    execute = f"os.execve({sys.executable!r}, {words}, {environment})"
    write_program(path, f"#!{sys.executable}\nimport os, sys\n{execute}\n")


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)


@pytest.fixture
def reader(clone: Path) -> Reader:
    # As a rotation leaves them: whoever reads the documents may come after one.
    keys = {route.function: {f"{route.audience}2": "a-key"} for route in ROUTES}
    state = {**az_stand_in.AFTER_A_DEPLOYMENT, "functions": keys}
    (clone / "state.json").write_text(json.dumps(state))
    (clone / "faults").write_text("")
    real = {f"REAL_{name.upper()}": shutil.which(name) or "" for name in ("git", "make", "curl")}
    environment = {
        "PATH": str(clone / "programs"),
        "HOME": str(clone),
        "AZ_STATE": str(clone / "state.json"),
        "COMMAND_FAULTS": str(clone / "faults"),
        "ROTATE_PROPAGATION_SECONDS": "0",
        "ROTATE_MARGIN_SECONDS": "0",
        **real,
    }
    return Reader(home=clone, environment=environment)


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda one: one.name)
async def test_every_command_of_a_document_runs_as_it_stands(
    world: World, reader: Reader, document: Document
) -> None:
    reader.environment["BASE_URL"] = world.url.removesuffix("/api")

    wrong = await reader.type(*document.commands, folder=document.folder)

    assert wrong == ""


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        pytest.param(
            "export RG=a APP=$(az functionapp list --resource-group $RG --query '[0].name')",
            "argument --resource-group/-g: expected one argument",
            id="a name that the shell has not set yet",
        ),
        pytest.param("az group create --name '' --location x", "'' is no value", id="nothing"),
        pytest.param("az keyvault purge --name kv-…", "'kv-…' is no value", id="a gap"),
        pytest.param("az group make --name x", "az knows no command", id="no such command"),
        pytest.param("az group delete -n x --all", "arguments: --all", id="no such option"),
        pytest.param("az group create --name x", "required: --location/-l", id="one missing"),
        pytest.param("func azure functionapp publish", "required: APP", id="no app"),
        pytest.param(
            "az deployment group create -g x --parameters infra/no.bicepparam",
            "there is no infra/no.bicepparam",
            id="no such file",
        ),
        pytest.param("make everything", "No rule to make target", id="no such target"),
        pytest.param(
            "printf 'x-functions-key: ' | curl --header @- --data '{}' https://example.com",
            "curl: a header without a value",
            id="a key that is not there",
        ),
        pytest.param("scripts/smoke https://", "https:// is no address", id="no host"),
        pytest.param(
            "examples/check.sh nonsense", "OUTCOME must be one of", id="the script's word"
        ),
        pytest.param("dig example.com", "dig: not found", id="a program that nobody looked at"),
    ],
)
async def test_a_command_that_would_fail_its_reader_is_found(
    world: World, reader: Reader, command: str, fault: str
) -> None:
    reader.environment["BASE_URL"] = world.url.removesuffix("/api")

    assert fault in await reader.type(Command(1, command))


async def test_every_json_of_the_documents_is_what_the_app_answers(world: World) -> None:
    shapes = [shape_of(answer) for answer in await answers(world)]
    shown = [block for document in documents() for block in document.json_blocks]
    result = [block for block in shown if "livenessDecision" in block]

    assert len(result) == 1 < len(shown)
    assert [block for block in shown if shape_of(block) not in shapes] == []


async def test_every_object_in_the_text_is_part_of_an_answer_or_is_taken_as_a_report(
    world: World,
) -> None:
    told = await answers(world)
    spans = [span for document in documents() for span in document.json_spans]

    for span in [one for one in spans if not any(is_part(one, answer) for answer in told)]:
        check = await world.start()
        await world.play(check, "error:TimedOut")
        assert (await world.complete(check, span)).status == 200, span


async def answers(world: World) -> list[Any]:
    """Collect an answer of every kind that a document may show."""
    check = await world.start(userCorrelationId=os.urandom(8).hex(), reference="order-1")
    verify = await world.start_with_verify()
    early = await world.complete(await world.start())
    played = await world.play(check, "realface")
    await world.play(verify, "realface")
    told = [
        *(check.started, verify.started, played, early.body),
        await world.play(await world.start(), "canceled"),
        (await world.status(check)).body,
        (await world.complete(check, played)).body,
        (await world.complete(verify)).body,
        (await world.create(json={})).body,
        (await world.call("GET", "/health")).body,
        await list_of_one(world),
        *await receipts(world),
    ]
    results = [(await world.result(one)).body for one in (check, verify)]
    return [*told, *results, (await world.consume(check, "payments")).body]


async def receipts(world: World) -> tuple[object, object]:
    """Erase somebody unknown: what is told at once, and what is told at last."""

    async def ask(body: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        return (await world.call("POST", "/persons/erase", headers=FUNCTION_KEY, json=body)).body

    begun = await ask({"userCorrelationId": os.urandom(8).hex()})
    await world.wait(61)
    await world.sweep()
    return begun, await ask({"receiptId": begun["receiptId"]})


async def list_of_one(world: World) -> object:
    """List the sessions of somebody who has passed a check."""
    person = {"userCorrelationId": os.urandom(8).hex()}
    check = await world.start(**person)
    await world.complete(check, await world.play(check, "realface"))
    listed = await world.call("POST", "/persons/sessions", headers=FUNCTION_KEY, json=person)
    return listed.body


def shape_of(value: object) -> object:
    """Keep the names, and of each value its type; whole or not, a number is a number."""
    match value:
        case dict():
            return {name: shape_of(one) for name, one in value.items()}
        case list():
            return [shape_of(one) for one in value]
        case int() | float() if not isinstance(value, bool):
            return "number"
    return type(value).__name__


def is_part(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Tell whether all that is said is said there too, by shape."""
    return all(
        name in whole
        and (
            is_part(value, whole[name])
            if isinstance(value, dict) and isinstance(whole[name], dict)
            else shape_of(value) == shape_of(whole[name])
        )
        for name, value in part.items()
    )
