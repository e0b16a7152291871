"""`python -m local up` from the outside: one line when ready, and nothing left when it ends."""

import asyncio
import os
import re
import shutil
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from local.azure.vault_secret import FIRST_KEY
from local.ports import HOST, Ports
from local.stack import hints, host_readiness
from tests.support.constants import FUNCTION_KEY
from tests.support.up import ready_line, start_up

# Only so that a failure ends; on a busy machine a start alone may take ten.
BOUND_SECONDS = 90
PARTS = (
    "Face",
    "Key Vault",
    "managed identity",
    "events topic",
    "Storage",
    "Functions host",
)
CREATE = {"livenessOperationMode": "Passive", "deviceCorrelationId": "device-1"}


@asynccontextmanager
async def up(ports: Ports, state: Path, *more: str, **environment: str) -> AsyncIterator[Process]:
    async with asyncio.timeout(BOUND_SECONDS):
        async with start_up(ports, state, *more, **environment) as process:
            yield process


async def becomes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in other processes
            await asyncio.sleep(0.02)


def node_that_tells_its_pid(folder: Path, file: Path) -> str:
    """Make a `node` that writes its process id down before it runs, and return a path to it."""
    script = folder / "node"
    script.write_text(f"#!/bin/sh\necho $$ >'{file}'\nexec '{shutil.which('node')}' \"$@\"\n")
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


async def test_app_answers_when_ready_and_nothing_is_left_or_said_when_stopped(
    tmp_path: Path,
) -> None:
    ports = Ports.free()
    async with up(ports, tmp_path) as process, aiohttp.ClientSession() as http:
        line = await ready_line(process)
        async with http.get(f"http://{HOST}:{ports.host}/api/health") as health:
            assert await health.json() == {"status": "ok"}
        url, body = f"http://{HOST}:{ports.host}/api/sessions", {"deviceCorrelationId": "a"}
        async with http.post(url, headers=FUNCTION_KEY, json=body) as create:
            assert create.status == 201

        process.send_signal(signal.SIGINT)
        output, told = await process.communicate()

    assert line == f"ready http://{HOST}:{ports.host}\n"
    assert (output, process.returncode, ports.taken()) == (b"", 0, [])
    for part in PARTS:
        assert f"up: {part} answers\n" in told.decode()
    assert hints.next_steps(ports, tmp_path) in told.decode()
    assert not re.search(rb"ERROR|Unclosed|Traceback", told), told.decode()


async def test_page_may_call_the_app_and_is_told_of_every_call(tmp_path: Path) -> None:
    ports = Ports.free()
    page = f"http://{HOST}:{ports.page}"
    asks = {"Origin": page, "Access-Control-Request-Method": "POST"}
    async with up(ports, tmp_path) as process, aiohttp.ClientSession() as http:
        await ready_line(process)
        call = f"http://{HOST}:{ports.host}/api/sessions/nobodys/complete"
        async with http.options(call, headers=asks) as preflight:
            allowed = preflight.headers.get("Access-Control-Allow-Origin")
        async with http.post(call, headers={"X-Session-Token": "x"}) as refused:
            status = refused.status
        async with http.get(f"{page}/server/timeline") as timeline:
            told = (await timeline.content.readline()).decode()

    assert (allowed, status) == (page, 404)
    assert '"actor": "frontend", "text": "POST /api/sessions/nobodys/complete"' in told


async def test_second_signal_does_not_disturb_the_end(tmp_path: Path) -> None:
    ports = Ports.free()
    async with up(ports, tmp_path, "--no-host") as process:
        await ready_line(process)

        process.send_signal(signal.SIGTERM)
        while process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.002)

    assert (process.returncode, ports.taken()) == (0, [])


@pytest.mark.parametrize("sign", ["lock", "face", "azurite", "azurite/__azurite_db_queue__.json"])
async def test_stop_during_start_leaves_nothing(tmp_path: Path, sign: str) -> None:
    ports = Ports.free()
    async with up(ports, tmp_path) as process:
        await becomes_true((tmp_path / sign).exists)

        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()

    assert (output, process.returncode, ports.taken()) == (b"", 0, [])


async def test_killed_up_takes_its_children_along(tmp_path: Path) -> None:
    ports = Ports.free()
    async with up(ports, tmp_path) as process:
        await ready_line(process)

        process.kill()
        await process.communicate()

        await becomes_true(lambda: not ports.taken())


async def test_part_that_dies_is_named_and_ends_the_stack(tmp_path: Path) -> None:
    ports, pid = Ports.free(), tmp_path / "pid"
    path = node_that_tells_its_pid(tmp_path, pid)
    async with up(ports, tmp_path / "state", "--no-host", PATH=path) as process:
        await ready_line(process)

        os.kill(int(pid.read_text()), signal.SIGKILL)
        _, errors = await process.communicate()

    assert (process.returncode, ports.taken()) == (1, [])
    assert b"Azurite ended by itself" in errors


# A function may run for a second, and whatever it asks takes longer.
IMPATIENT = {
    "AzureFunctionsJobHost__functionTimeout": "00:00:01",
    "FACE_TIMEOUT_SECONDS": "30",
    "FACE_BUDGET_SECONDS": "60",
    "KEY_TIMEOUT_SECONDS": "30",
    "STORE_TIMEOUT_SECONDS": "30",
}


async def test_host_that_a_function_timeout_takes_along_is_started_again(tmp_path: Path) -> None:
    ports = Ports.free()
    slow = {"operation": "create", "times": 1, "delayMs": 30_000}
    async with up(ports, tmp_path, **IMPATIENT) as process, aiohttp.ClientSession() as http:
        await ready_line(process)
        async with http.post(f"http://{HOST}:{ports.face}/simulator/faults", json=slow) as fault:
            assert fault.status == 204

        url = f"http://{HOST}:{ports.host}/api/sessions"
        with pytest.raises(aiohttp.ClientError):
            await http.post(url, headers=FUNCTION_KEY, json={"deviceCorrelationId": "a"})
        await host_readiness.wait(ports.host)

        process.send_signal(signal.SIGTERM)
        output, told = await process.communicate()

    assert (output, process.returncode, ports.taken()) == (b"", 0, [])
    assert b"up: a function outlasted its timeout: the host starts again\n" in told


async def test_function_that_cannot_be_indexed_ends_the_start_by_name_but_not_as_azure(
    tmp_path: Path,
) -> None:
    ports = Ports.free()
    async with up(ports, tmp_path, SWEEP_SCHEDULE="now and then") as refused:
        output, told = await refused.communicate()
    async with up(ports, tmp_path, "--as-azure", SWEEP_SCHEDULE="now and then") as process:
        line = await ready_line(process)

    assert (output, refused.returncode) == (b"", 1)
    assert b"sweep_stale_sessions" in told
    assert line == f"ready http://{HOST}:{ports.host}\n"


async def test_taken_port_is_named_in_one_sentence(tmp_path: Path) -> None:
    ports = Ports.free()
    with socket.create_server((HOST, ports.vault)):
        async with up(ports, tmp_path) as process:
            output, errors = await process.communicate()

    taken = f"up: port {ports.vault} (Key Vault simulator) is taken: "
    way_out = "stop what uses it, or choose another --port, as in `make run PORT=8071`\n"
    assert (output, process.returncode) == (b"", 1)
    assert errors.decode() == taken + way_out


async def test_one_state_serves_one_stack(tmp_path: Path) -> None:
    async with up(Ports.free(), tmp_path, "--no-host") as process:
        await ready_line(process)
        async with up(Ports.free(), tmp_path, "--no-host") as second:
            _, refusal = await second.communicate()

    assert second.returncode == 1
    assert b"another stack uses the state directory" in refusal


async def test_sessions_outlive_a_stack_that_was_killed(tmp_path: Path) -> None:
    ports = Ports.free()
    url = f"http://{HOST}:{ports.face}"
    async with aiohttp.ClientSession(headers={"Ocp-Apim-Subscription-Key": FIRST_KEY}) as http:
        async with up(ports, tmp_path, "--no-host") as process:
            await ready_line(process)
            create = http.post(f"{url}/face/v1.2/detectLiveness-sessions", json=CREATE)
            async with create as answer:
                created = await answer.json()
            process.kill()
            await process.communicate()
        await becomes_true(lambda: not ports.taken())
        async with up(ports, tmp_path, "--no-host") as process:
            await ready_line(process)
            device = {"Authorization": f"Bearer {created['authToken']}"}
            play = {"outcome": "realface"}
            async with http.post(f"{url}/simulator/attempts", json=play, headers=device) as report:
                assert report.status == 200
