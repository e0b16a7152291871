import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from local.azure import azurite
from local.ports import Ports
from tests.contracts.functions_host.sample_host import an_app, running_host, starting_host

_IMPORT_ERROR = "import nothing_of_this_name\n"
_BAD_BINDING = """
import azure.functions as func
app = func.FunctionApp()

@app.route("a")
async def lonely(req: func.HttpRequest, extra: str) -> func.HttpResponse: ...
"""
_NO_CONNECTION = """
import azure.functions as func
app = func.FunctionApp()

@app.queue_trigger("message", queue_name="q", connection="Elsewhere")
async def lonely(message: func.QueueMessage) -> None: ...
"""
_BAD_SCHEDULE = """
import azure.functions as func
app = func.FunctionApp()

@app.timer_trigger("timer", schedule="%WHEN%")
async def lonely(timer: func.TimerRequest) -> None: ...
"""
_TWO_LIVES = """
import asyncio, os, pathlib, sys, aiohttp
from local.functions_host.host import FunctionsHost

async def live_twice():
    host = FunctionsHost(app_directory=pathlib.Path(sys.argv[1]), settings=dict(os.environ))
    for _ in range(2):
        await host.start()
        async with aiohttp.ClientSession(host.url) as http, http.get("/api/dressed") as answer:
            assert answer.status == 203
        await host.stop()

asyncio.run(live_twice(), debug=True)
"""


@pytest.mark.parametrize(
    ("source", "settings", "reasons"),
    [
        (_IMPORT_ERROR, {}, ["nothing_of_this_name", "function_app.py"]),
        (_BAD_BINDING, {}, ["lonely", "extra"]),
        (_NO_CONNECTION, {}, ["lonely", "Elsewhere"]),
        (_BAD_SCHEDULE, {}, ["lonely", "WHEN"]),
        (_BAD_SCHEDULE, {"WHEN": "0 60 * * * *"}, ["lonely", "minute"]),
    ],
    ids=["import", "binding", "connection", "setting", "schedule"],
)
async def test_app_that_cannot_run_stops_the_start_by_name(
    tmp_path: Path, source: str, settings: dict[str, str], reasons: list[str]
) -> None:
    async with starting_host(an_app(tmp_path / "app", source), settings) as host:
        code, log = await host.end()

    assert code == 1
    assert log.count("the host did not start: ") == 1
    assert all(reason in log for reason in reasons)


async def test_host_serves_while_storage_is_away_and_recovers(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    ports = Ports.free()
    away = settings | {"AzureWebJobsStorage": azurite.connection_string(ports)}
    async with (
        running_host(an_app(tmp_path / "app"), away) as host,
        aiohttp.ClientSession(host.url) as http,
    ):
        await host.read_until("queue work could not be read")
        assert (await http.get("/api/dressed")).status == 203
        assert (await http.post("/api/enqueue", data="too early")).status == 500

        async with azurite.run(ports, tmp_path / "azurite"):
            assert (await http.post("/api/enqueue", data="in time")).status == 202
            await host.read_until("work succeeded")


async def test_host_starts_again_in_the_same_process(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    command = (sys.executable, "-c", _TWO_LIVES, str(an_app(tmp_path / "app")))
    environment = {**os.environ, **settings, "WORK_QUEUE": "third"}
    process = await asyncio.create_subprocess_exec(*command, env=environment)

    assert await process.wait() == 0


@pytest.mark.parametrize("by", ["signal", "stdin"])
async def test_stop_lets_a_running_call_finish(
    tmp_path: Path, settings: dict[str, str], by: str
) -> None:
    app = an_app(tmp_path / "app")
    async with (
        running_host(app, settings | {"WORK_QUEUE": "other"}, "--stop-with-stdin") as host,
        aiohttp.ClientSession(host.url) as http,
    ):
        call = asyncio.create_task(http.get("/api/slow/1").__aenter__())
        await asyncio.sleep(0.3)
        if by == "signal":
            host.process.send_signal(signal.SIGTERM)
        elif host.process.stdin:
            host.process.stdin.close()
        answer = await call

        assert (answer.status, await answer.text()) == (200, "at last")
        assert (await host.end())[0] == 0


async def test_app_reads_the_clock_of_the_stack(tmp_path: Path, settings: dict[str, str]) -> None:
    source = "from shared.composition import now\nraise ValueError(f'it is {now():%Y}')\n"
    app = an_app(tmp_path / "app", source)
    (app / "shared").mkdir()
    (app / "shared" / "composition.py").write_text("now = None\n")
    clock = tmp_path / "clock"
    clock.write_text('{"offsetSeconds": 4000000000}')

    async with starting_host(app, settings, "--clock", str(clock)) as host:
        _, log = await host.end()

    assert "ValueError: it is 21" in log
