"""Run the host in a process of its own: `python -m local.functions_host --app DIR --port P`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from local.functions_host.hooks import load_hook, run_hook
from local.functions_host.host import FunctionsHost
from local.functions_host.keys import HostKeys
from local.functions_host.log_lines import log_to_stderr
from local.functions_host.start_error import HostStartError


def main() -> int:
    """Serve until told to stop; exit with 1 and the reason when the start fails."""
    options = _options()
    log_to_stderr()
    try:
        asyncio.run(_serve(options))
    except HostStartError as refused:
        print(f"the host did not start: {refused}", file=sys.stderr)  # noqa: T201 - the answer
        return 1
    _end_at_once(0)  # what the app has left open is closed as in Azure: with the process
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="where host.json is")
    parser.add_argument("--port", type=int, default=7071, help="0 for any free port")
    parser.add_argument("--cors", default="", help="allowed origins, with commas between")
    parser.add_argument(
        "--as-azure", action="store_true", help="run without functions that cannot be indexed"
    )
    parser.add_argument(
        "--timer-lease",
        type=int,
        choices=range(15, 61),
        default=60,
        metavar="SECONDS",
        help="how long a killed host keeps its timers from another: 15 to 60",
    )
    parser.add_argument(
        "--function-key",
        action="append",
        default=[],
        metavar="NAME=KEY",
        help="a key that opens one function; may be repeated",
    )
    parser.add_argument(
        "--on-start", metavar="MODULE:FUNCTION", help="call it before the app is loaded"
    )
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when stdin is closed")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    if options.stop_with_stdin:
        _watch_stdin(stopping)
    sys.path.insert(0, str(options.app.resolve()))
    if options.on_start:
        await run_hook(load_hook(options.on_start))
    host = FunctionsHost(
        app_directory=options.app,
        settings=os.environ,
        port=options.port,
        cors=[origin.strip() for origin in options.cors.split(",") if origin.strip()],
        keys=HostKeys(functions=_keys_by_function(options.function_key)),
        as_azure=options.as_azure,
        timer_lease=timedelta(seconds=options.timer_lease),
        end_process=_end_at_once,
    )
    await host.start()
    try:
        await stopping.wait()
    finally:
        await host.stop()


def _end_at_once(code: int) -> None:
    """End as a killed worker does: no `finally` runs, nothing is closed."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _watch_stdin(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait_for_end() -> None:
        # os.read: a daemon thread inside sys.stdin's own lock would spoil the interpreter's exit.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(stopping.set)

    threading.Thread(target=wait_for_end, name="stdin", daemon=True).start()


def _keys_by_function(pairs: list[str]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, _, key = pair.partition("=")
        keys[name] = (*keys.get(name, ()), key)
    return keys


if __name__ == "__main__":
    sys.exit(main())
