"""`python -m local up`: the whole stack and the Functions host, until told to stop."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.ports import HOST, Ports, StackError
from local.process import child_process
from local.stack import app_settings, host_readiness
from local.stack.app_settings import SettingsFile
from local.stack.host_process import APP, host_command, host_environment
from local.stack.stack import SECRET_NAME, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the caller asked for, and the caller's environment."""

    port: int
    state: Path
    has_host: bool
    environment: Mapping[str, str]


async def run(plan: Plan) -> int:
    """Start everything, say that it is ready, and watch it; return only when something failed."""
    try:
        await _watch(plan)
    except StackError as error:
        sys.stderr.write(f"up: {error}\n")
    return 1


async def _watch(plan: Plan) -> None:
    file = app_settings.load(APP)
    ports = Ports(base=plan.port)
    ports.check(beside_host=not plan.has_host)
    names = file.values | dict(plan.environment)
    secret_name = names.get("FACE_KEY_SECRET_NAME", SECRET_NAME)
    async with Stack(ports=ports, state=plan.state, secret_name=secret_name) as stack:
        settings = app_settings.merged(file, stack.settings, plan.environment)
        if plan.has_host:
            await _with_host(stack, file, settings)
        else:
            await _without_host(stack, file, settings)


async def _with_host(stack: Stack, file: SettingsFile, settings: Mapping[str, str]) -> None:
    host = child_process.running(
        "the Functions host",
        host_command(stack, *(("--cors", file.cors) if file.cors else ())),
        folder=APP,
        environment=host_environment(stack, settings),
    )
    async with host as child:
        readiness = host_readiness.ready(stack.ports.host)
        await _unless_one_ends(readiness, stack.ended(), child.ended())
        _announce(stack.ports)
        await _unless_one_ends(_forever(), stack.ended(), child.ended())


async def _without_host(stack: Stack, file: SettingsFile, settings: Mapping[str, str]) -> None:
    exports = stack.state / "func.env"
    names = file.values | stack.settings
    app_settings.write_exports(exports, {name: settings[name] for name in names})
    sys.stderr.write(f"up: now run, in {APP}:\n    . '{exports}'\n")
    sys.stderr.write(f"    func start --port {stack.ports.host}\n")
    _announce(stack.ports)
    await _unless_one_ends(_forever(), stack.ended())


async def _unless_one_ends(
    wanted: Coroutine[object, object, object], *ends: Coroutine[object, object, str]
) -> None:
    """Await what is wanted, but fail as soon as a part has ended by itself."""
    wait, *watches = [asyncio.ensure_future(each) for each in (wanted, *ends)]
    try:
        await asyncio.wait([wait, *watches], return_when=asyncio.FIRST_COMPLETED)
        for watch in watches:
            if watch.done():
                raise StackError(str(watch.result()))
        await wait
    finally:
        for task in (wait, *watches):
            task.cancel()
        await asyncio.gather(wait, *watches, return_exceptions=True)


async def _forever() -> None:
    await asyncio.Event().wait()


def _announce(ports: Ports) -> None:
    # Whoever started us may have stopped reading; that is no reason to fail.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"ready http://{HOST}:{ports.host}\n")
        sys.stdout.flush()
