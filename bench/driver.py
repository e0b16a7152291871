"""Runs one Functions app through Microsoft's worker, as the host would, and measures what it takes.

`python -m bench.driver APP` reads one order a line, `STEP TIMES AT_ONCE`, and answers each with a
line of JSON. With orders after APP it does those and ends, which is how valgrind counts them.
"""

import asyncio
import json
import os
import sys
import time
import tracemalloc
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from local.functions_host.http_messages import request_data
from local.functions_host.worker import Call, TraceContext, Worker

type Json = dict[str, Any]

_NO_TRACE = TraceContext()
_CREATED, _OK = 201, 200


@dataclass(slots=True)
class Driver:
    """Calls an app's functions, and keeps what it started for the steps that come later."""

    worker: Worker
    settings: Mapping[str, str]
    started: list[Json] = field(default_factory=list)
    played: list[Json] = field(default_factory=list)

    async def create(self) -> None:
        """Start one check of somebody new: whoever has a long day behind him costs more."""
        body = json.dumps({"deviceCorrelationId": str(uuid.uuid4())}).encode()
        self.started.append(await self._call("start_session", _CREATED, body=body))

    async def status(self) -> None:
        """Ask where the last one is."""
        session = self.started[-1]
        await self._call("get_session", _OK, session)

    async def complete(self) -> None:
        """Report one whose device is done."""
        await self._call("complete_session", _OK, self.played.pop())

    async def nothing(self) -> None:
        """Do nothing: indexing alone is counted."""

    async def play(self) -> None:
        """Do what a person's device does."""
        session = self.started.pop()
        url = f"{self.settings['FACE_ENDPOINT']}/simulator/attempts"
        bearer = {"Authorization": f"Bearer {session['authToken']}"}
        async with (
            aiohttp.ClientSession(headers=bearer) as http,
            http.post(url, json={"outcome": "realface"}) as answer,
        ):
            answer.raise_for_status()
        self.played.append(session)

    async def verify(self, form: bytes, kind: str) -> None:
        """Start one check with a reference image."""
        self.started.append(await self._call("start_session", _CREATED, body=form, kind=kind))

    async def _call(
        self,
        name: str,
        wanted: int,
        session: Json | None = None,
        *,
        body: bytes = b"",
        kind: str = "application/json",
    ) -> Json:
        function = next(one for one in self.worker.functions if one.name == name)
        session = session or {}
        data = request_data(
            method="POST",
            url="http://127.0.0.1/api/sessions",
            headers={"content-type": kind, "x-session-token": session.get("sessionToken", "")},
            query={},
            params={"session_id": session.get("sessionId", "")},
            body=body,
        )
        call = Call(parameter="req", data=data)
        returned = await self.worker.invoke(
            function.function_id, str(uuid.uuid4()), call, _NO_TRACE
        )
        http = returned.http if returned else None
        if http is None or http.status_code != str(wanted):
            raise RuntimeError(f"{name}: {http and (http.status_code, http.body.bytes[:300])}")
        answer: Json = json.loads(http.body.bytes)
        return answer


async def measure(step: Callable[[], Awaitable[None]], times: int, at_once: int) -> Json:
    """Do a step many times, and tell the process's CPU seconds and how long each one took."""
    latencies: list[float] = []

    async def work() -> None:
        for _ in range(times // at_once):
            began = time.perf_counter()
            await step()
            latencies.append(time.perf_counter() - began)

    cpu = time.process_time()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return {"cpu": (time.process_time() - cpu) / len(latencies), "latencies": latencies}


async def _obey(driver: Driver, order: str) -> Json:
    name, times, at_once = order.split()
    name, _, size = name.partition("=")
    step: Callable[..., Awaitable[None]] = getattr(driver, name.removesuffix("-traced"))
    if size:
        # The right first bytes make it a JPEG to whoever looks.
        step = partial(step, *_write_form(b"\xff\xd8\xff\xe0" + os.urandom(int(size) - 4)))
    if not name.endswith("-traced"):
        return await measure(step, int(times), int(at_once))
    # Apart: tracing makes everything slow.
    tracemalloc.start()
    found = await measure(step, int(times), int(at_once))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found | {"peak": peak}


def _write_form(image: bytes) -> tuple[bytes, str]:
    boundary = "bench-boundary-0123456789"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    device = f'{head}deviceCorrelationId"\r\n\r\n{uuid.uuid4()}\r\n'
    file = f'{head}verifyImage"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"".join([(device + file).encode(), image, f"\r\n--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"


async def main(app: Path, orders: list[str]) -> None:
    """Index the app, then do what is ordered."""
    worker = await Worker.start(app)
    driver = Driver(worker=worker, settings=os.environ)
    if orders:
        for order in orders:
            await _obey(driver, order)
        return
    while line := await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(json.dumps(await _obey(driver, line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
    # Nobody asks how it ends; what is open goes with the process.
    sys.stdout.flush()
    os._exit(0)
