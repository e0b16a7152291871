"""`python -m local up`: the whole stack and the Functions host, until told to stop."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local.azure.vault_secret import SecretNames
from local.functions_host.time_limit import EXIT_FUNCTION_TIMEOUT
from local.ports import HOST, Ports, StackError
from local.process import child_process
from local.stack import app_settings, hints, host_readiness
from local.stack.app_settings import SettingsFile
from local.stack.host_process import APP, host_command, host_environment
from local.stack.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the caller asked for, and the caller's environment."""

    port: int
    state: Path
    has_host: bool
    as_azure: bool
    environment: Mapping[str, str]


async def run(plan: Plan) -> int:
    """Start everything, say that it is ready, and watch it; return only when something failed."""
    try:
        await _watch(plan)
    except StackError as error:
        _write(sys.stderr, f"up: {error}\n")
    return 1


async def _watch(plan: Plan) -> None:
    file = app_settings.load(APP)
    ports = Ports(base=plan.port)
    ports.check(beside_host=not plan.has_host)
    names = file.values | dict(plan.environment)
    async with Stack(
        ports=ports,
        state=plan.state,
        secret_names=SecretNames.of_settings(names),
        on_part=_tell_of_part,
    ) as stack:
        settings = app_settings.merge(file, stack.settings, plan.environment)
        exports = _write_exports(stack, file, settings)
        origins = app_settings.list_origins(file, ports)
        if plan.has_host:
            options = ["--cors", origins, *(["--as-azure"] if plan.as_azure else [])]
            await _run_with_host(stack, settings, options)
        else:
            _announce(ports, hints.func_start(APP, exports, ports.host, origins))
            await _await_unless_ended(_wait_forever(), stack.wait())


async def _run_with_host(stack: Stack, settings: Mapping[str, str], options: Sequence[str]) -> None:
    def announce() -> None:
        _announce(stack.ports, hints.next_steps(stack.ports, stack.state))

    await _run_host(stack, settings, options, announce)
    # As the platform does; there is no end to it but a signal or an error.
    while True:
        _write(sys.stderr, "up: a function outlasted its timeout: the host starts again\n")
        await _run_host(stack, settings, options, lambda: None)


async def _run_host(
    stack: Stack,
    settings: Mapping[str, str],
    options: Sequence[str],
    on_ready: Callable[[], None],
) -> None:
    """Run it until a function outlasts its timeout, which takes the process along."""
    host = child_process.run(
        "the Functions host",
        host_command(stack, *options),
        folder=APP,
        environment=host_environment(stack, settings),
    )
    async with host as child:
        try:
            readiness = host_readiness.wait(stack.ports.host)
            await _await_unless_ended(readiness, stack.wait(), child.wait())
            _tell_of_part("Functions host")
            on_ready()
            await _await_unless_ended(_wait_forever(), stack.wait(), child.wait())
        except StackError:
            if child.exit_code != EXIT_FUNCTION_TIMEOUT:
                raise


def _write_exports(stack: Stack, file: SettingsFile, settings: Mapping[str, str]) -> Path:
    """Write what a host of another kind, or a test, must know of this stack, for a shell."""
    exports = stack.state / "func.env"
    ours = {name: settings[name] for name in file.values | stack.settings}
    joined = {**ours, **stack.joining}
    app_settings.write_exports(exports, joined, environment=Path(sys.prefix))
    return exports


async def _await_unless_ended(
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


async def _wait_forever() -> None:
    await asyncio.Event().wait()


def _tell_of_part(part: str) -> None:
    _write(sys.stderr, f"up: {part} answers\n")


def _announce(ports: Ports, what_to_try: str) -> None:
    _write(sys.stdout, f"ready http://{HOST}:{ports.host}\n")
    _write(sys.stderr, what_to_try)


def _write(stream: TextIO, text: str) -> None:
    # Whoever started us may have stopped reading; that is no reason to fail.
    with contextlib.suppress(BrokenPipeError):
        stream.write(text)
        stream.flush()
