import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from local.azure import azurite
from local.functions_host.time_limit import EXIT_FUNCTION_TIMEOUT
from local.ports import Ports
from tests.contracts.functions_host.sample_host import (
    eventually,
    running_host,
    starting_host,
    write_app,
)

_IMPORT_ERROR = "import nothing_of_this_name\n"
_BAD_BINDING = """
import azure.functions as func
app = func.FunctionApp()

@app.route("a")
async def lonely(req: func.HttpRequest, extra: str) -> func.HttpResponse: ...
"""
_OUTPUT = """
import azure.functions as func
app = func.FunctionApp()

@app.route("a")
@app.queue_output("out", queue_name="queue", connection="AzureWebJobsStorage")
async def talkative(req: func.HttpRequest, out: func.Out[str]) -> str: ...
"""
_IN_ERROR = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("sound")
async def sound(req: func.HttpRequest) -> str:
    return "sound"

@app.queue_trigger("message", queue_name="queue", connection="Elsewhere")
async def unconnected(message: func.QueueMessage) -> None: ...

@app.queue_trigger("message", queue_name="q", connection="AzureWebJobsStorage")
async def misnamed(message: func.QueueMessage) -> None: ...

@app.timer_trigger("timer", schedule="%WHEN%")
async def undefined(timer: func.TimerRequest) -> None: ...

@app.timer_trigger("timer", schedule="0 60 * * * *")
async def impossible(timer: func.TimerRequest) -> None: ...

@app.timer_trigger("timer", schedule="%WHEN%")
async def disabled(timer: func.TimerRequest) -> None: ...
"""
_REASONS = {
    "impossible": "schedule: '60' is no value for the minute",
    "misnamed": "'q' is no queue name",
    "unconnected": "connection 'Elsewhere' is undefined",
    "undefined": "'%WHEN%' does not resolve",
}
_OFF = {"AzureWebJobs.disabled.Disabled": "true"}
_HOOK = """
import asyncio
import aiohttp
import function_app

async def begin():
    await asyncio.sleep(0)
    function_app.note("begun")
    function_app.held = aiohttp.ClientSession()
"""
_QUIET = {"WORK_QUEUE": "other", "EVERY_SECOND": "0 0 0 1 1 *"}
_UNLIMITED = {"AzureFunctionsJobHost__functionTimeout": "-1"}
_TWO_LIVES = """
import asyncio, os, pathlib, sys, aiohttp
from local.functions_host.host import FunctionsHost

async def live_twice():
    host = FunctionsHost(app_directory=pathlib.Path(sys.argv[1]), settings=dict(os.environ))
    for _ in range(2):
        await host.start()
        async with aiohttp.ClientSession(host.url) as http, http.get("/api/a-journal") as answer:
            assert answer.status == 200
        await host.stop()

asyncio.run(live_twice(), debug=True)
"""


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        (_IMPORT_ERROR, ["nothing_of_this_name", "function_app.py"]),
        (_BAD_BINDING, ["lonely", "extra"]),
        (_OUTPUT, ["function 'talkative': this host has no output to a queue"]),
        (_IN_ERROR, [f"function '{name}': {reason}" for name, reason in _REASONS.items()]),
    ],
    ids=["import", "binding", "output", "silent errors"],
)
async def test_app_that_cannot_run_stops_the_start_by_name(
    tmp_path: Path, settings: dict[str, str], source: str, reasons: list[str]
) -> None:
    async with starting_host(write_app(tmp_path / "app", source), settings | _OFF) as host:
        code, log = await host.end()

    assert code == 1
    assert log.count("the host did not start: ") == 1
    assert all(reason in log for reason in reasons)
    assert "function 'disabled'" not in log


async def test_as_azure_functions_in_error_are_off_and_only_their_status_tells(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    app = write_app(tmp_path / "app", _IN_ERROR)
    master = {"x-functions-key": "local-master-key"}
    async with (
        running_host(app, settings | _OFF, "--as-azure") as host,
        aiohttp.ClientSession(host.url, headers=master) as http,
    ):
        sound = await (await http.get("/api/sound")).text()
        listed = await (await http.get("/admin/functions")).json()
        told = {
            each["name"]: await (await http.get(f"/admin/functions/{each['name']}/status")).json()
            for each in listed
        }
        runs = {(await http.post(f"/admin/functions/{name}", json={})).status for name in told}

    assert sound == "sound"
    assert {each["name"] for each in listed if each["isDisabled"]} == {"disabled"}
    assert {name for name, status in told.items() if not status} == {"sound"}
    assert all(told[name]["errors"][0].startswith(why) for name, why in _REASONS.items())
    assert runs == {202}


async def test_host_serves_while_storage_is_away_and_recovers(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    ports = Ports.free()
    away = settings | {"AzureWebJobsStorage": azurite.connection_string(ports)}
    async with (
        running_host(write_app(tmp_path / "app"), away) as host,
        aiohttp.ClientSession(host.url) as http,
    ):
        await host.read_until("queue work could not be read")
        assert (await http.get("/api/a-journal")).status == 200
        assert (await http.post("/api/enqueue", data="too early")).status == 500

        async with azurite.run(ports, tmp_path / "azurite"):
            assert (await http.post("/api/enqueue", data="in time")).status == 202
            await host.read_until("work succeeded")


async def test_host_starts_again_in_the_same_process(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    command = (sys.executable, "-c", _TWO_LIVES, str(write_app(tmp_path / "app")))
    environment = {**os.environ, **settings, "WORK_QUEUE": "third"}
    process = await asyncio.create_subprocess_exec(*command, env=environment)

    assert await process.wait() == 0


@pytest.mark.parametrize("by", ["signal", "stdin"])
async def test_stop_listens_no_more_lets_a_call_finish_and_ends_without_a_word(
    tmp_path: Path, settings: dict[str, str], by: str
) -> None:
    app, gate = write_app(tmp_path / "app"), tmp_path / "gate"
    (app / "hooks.py").write_text(_HOOK)
    hook = ("--stop-with-stdin", "--on-start", "hooks:begin")
    async with (
        running_host(app, {**settings, **_QUIET, **_UNLIMITED, "GATE": str(gate)}, *hook) as host,
        aiohttp.ClientSession(host.url) as http,
    ):
        call = asyncio.create_task(http.get("/api/wait").__aenter__())
        await host.read_until("waits at the gate")
        if by == "signal":
            host.process.send_signal(signal.SIGTERM)
        elif host.process.stdin:
            host.process.stdin.close()
        await eventually(lambda: _is_refused(host.url))
        is_cut_off = call.done()
        gate.touch()
        answer = await call
        text = await answer.text()
        code, log = await host.end()

    assert (is_cut_off, answer.status, text, code) == (False, 200, "begun, and at last", 0)
    assert ("leaves the gate" in log, "Unclosed" in log) == (True, False)


async def test_call_that_outlasts_its_timeout_takes_the_process_with_it(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    gate = {"GATE": str(tmp_path / "gate")}
    async with (
        running_host(write_app(tmp_path / "app"), settings | _QUIET | gate) as host,
        aiohttp.ClientSession(host.url) as http,
    ):
        calls = [asyncio.create_task(http.get("/api/wait").__aenter__()) for _ in range(2)]
        ends = await asyncio.gather(*calls, return_exceptions=True)
        code, log = await host.end()

    assert code == EXIT_FUNCTION_TIMEOUT
    assert all(isinstance(end, aiohttp.ClientError) for end in ends)
    assert "wait outlasts functionTimeout" in log
    assert log.count("waits at the gate") == 2
    assert "leaves the gate" not in log


async def test_hook_that_does_not_exist_stops_the_start(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app")
    async with starting_host(app, {}, "--on-start", "hooks:begin") as host:
        code, log = await host.end()

    assert code == 1
    assert "the host did not start: the hook 'hooks:begin' could not be loaded" in log
    assert log.rstrip().endswith("No module named 'hooks'")


async def _is_refused(url: str) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
