"""What a whole check costs, and how many a host does at once. `python -m bench.journey`."""

import argparse
import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from bench.bench_stack import (
    Json,
    Sent,
    Stopwatch,
    bench_stack,
    control,
    functions_host,
    heading,
    own_table,
    ratio,
    row,
    run,
)
from local.stack.stack import Stack
from shared import composition, settings
from shared.composition import App
from shared.flow.start import Started
from shared.session.session import Report
from shared.session.start_request import Mode, StartRequest
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable

_KEY = {"x-functions-key": "local-function-key"}
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A frontend and a server in one, for a host and the Face behind it."""

    http: aiohttp.ClientSession
    url: str
    stack: Stack

    async def health(self) -> None:
        """Ask for what touches nothing: the floor."""
        await self._call("GET", "/health", 200)

    async def create(self) -> Json:
        """Start a check of somebody new."""
        person = {"deviceCorrelationId": secrets.token_hex(8)}
        return await self._call("POST", "/sessions", 201, headers=_KEY, json=person)

    async def whole_check(self) -> None:
        """Start, play the device, report, and ask for the verdict."""
        started = await self.create()
        path, token = f"/sessions/{started['sessionId']}", started["sessionToken"]
        await _play(self.stack, started["authToken"])
        await self._call("POST", f"{path}/complete", 200, headers={"X-Session-Token": token})
        await self._call("GET", f"{path}/result", 200, headers=_KEY)

    async def _call(self, method: str, path: str, wanted: int, **options: Json) -> Json:
        async with self.http.request(method, self.url + path, **options) as answer:
            body = await answer.read()
            if answer.status != wanted:
                raise RuntimeError(f"{method} {path}: {answer.status} {body[:200]!r}")
            return await answer.json()


async def main(checks: int, at_once: int) -> None:
    """Count the round trips, then measure how many checks a second there are."""
    async with bench_stack() as stack:
        await _count(stack)
        async with functions_host(stack) as url, aiohttp.ClientSession() as http:
            caller = Caller(http=http, url=url, stack=stack)
            await _measure(caller, checks, at_once)


async def _count(stack: Stack) -> None:
    sent = Sent()
    heading("step", "store round trips", "Face round trips")
    async with own_table(stack, sent) as table:
        store = TableSessionStore(StorageTable(table, timeout_seconds=20))
        app = composition.build(settings.load(), store=store, now=stack.clock.now)
        # The first one also fetches the key.
        await app.start.start(_request())
        for name, step in _STEPS.items():
            started = await app.start.start(_request())
            await _play(stack, started.auth_token.reveal())
            before, calls = sent.total, len(await control(stack, "requests"))
            await step(app, started)
            at_face = len(await control(stack, "requests")) - calls
            row(name, sent.total - before, at_face)
        await app.close()


async def _measure(caller: Caller, checks: int, at_once: int) -> None:
    floor = await _fastest(caller.health, 4 * checks, at_once)
    create = await _fastest(caller.create, checks, at_once)
    whole = await _fastest(caller.whole_check, checks, at_once)
    heading(f"{at_once} at once", "a second, /api/health as 1", "one costs as many /api/health")
    row("GET /api/health", "1.00", "1.00")
    row("POST /api/sessions", ratio(floor, create), ratio(create, floor))
    row("a whole check: 3 requests and the device", ratio(floor, whole), ratio(whole, floor))


async def _fastest(step: Callable[[], Awaitable[object]], times: int, at_once: int) -> float:
    """Return the seconds that one took, in the best of a few rounds."""
    return min([await _seconds(step, times, at_once) for _ in range(_ROUNDS)])


async def _seconds(step: Callable[[], Awaitable[object]], times: int, at_once: int) -> float:
    async def work() -> None:
        for _ in range(times // at_once):
            await step()

    with Stopwatch() as timed:
        await asyncio.gather(*(work() for _ in range(at_once)))
    return timed.seconds / (times // at_once * at_once)


async def _play(stack: Stack, auth_token: str) -> None:
    bearer = {"Authorization": f"Bearer {auth_token}"}
    await control(stack, "attempts", json={"outcome": "realface"}, headers=bearer)


def _request() -> StartRequest:
    return StartRequest(
        mode=Mode.PASSIVE_ACTIVE, token_seconds=600, device_correlation_id=secrets.token_hex(8)
    )


async def _create(app: App, _started: Started) -> object:
    return await app.start.start(_request())


async def _status(app: App, started: Started) -> object:
    return await app.flow.load(started.session.session_id, started.session_token)


async def _complete(app: App, started: Started) -> object:
    return await app.flow.complete(started.session.session_id, started.session_token, Report())


async def _cancel(app: App, started: Started) -> None:
    await app.flow.cancel(started.session.session_id, started.session_token)


async def _settle(app: App, started: Started) -> None:
    await app.queue_flow.settle(started.session.session_id)


async def _whole(app: App, _started: Started) -> object:
    started = await app.start.start(_request())
    await _cancel(app, started)
    return await app.flow.load_result(started.session.session_id)


_STEPS: dict[str, Callable[[App, Started], Awaitable[object]]] = {
    "create": _create,
    "status": _status,
    "complete": _complete,
    "cancel": _cancel,
    "message": _settle,
    "create, end and result": _whole,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    chosen = parser.parse_args()
    run(main(chosen.checks, chosen.at_once))
