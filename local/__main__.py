"""`python -m local up` runs the stack; `python -m local demo` plays the whole story on one."""

from local import ports
from local.process import stop_signals

# Before the imports below, which take a second in which somebody may press Ctrl-C.
stop_signals.leave_at_once()

import argparse  # noqa: E402 - see above
import os  # noqa: E402 - see above
import sys  # noqa: E402 - see above
from pathlib import Path  # noqa: E402 - see above

_LAST_FIRST_PORT = 65_535 - 8
_STOPPED = 0
_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    given = _parser().parse_args(arguments)
    return _run_demo(given) if given.command == "demo" else _run_up(given)


def _run_up(given: argparse.Namespace) -> int:
    from local.stack import up  # noqa: PLC0415 - only now: it brings the SDKs along

    plan = up.Plan(
        port=given.port,
        state=given.state,
        has_host=not given.no_host,
        as_azure=given.as_azure,
        environment=dict(os.environ),
    )
    return stop_signals.run(up.run(plan), when_stopped=_STOPPED)


def _run_demo(given: argparse.Namespace) -> int:
    from local.demo import demo, terminal  # noqa: PLC0415 - only now: it brings the SDKs along

    screen = terminal.Terminal.of(sys.stdout, is_fast=given.fast)
    telling = demo.play(screen, chapter=given.chapter)
    return stop_signals.run(telling, when_stopped=_INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run the app and everything it needs, until Ctrl-C")
    up.add_argument("--port", type=_port, default=ports.DEFAULT, help="the first of nine ports")
    up.add_argument("--state", type=Path, default=Path(".local"), help="where to keep what lasts")
    up.add_argument(
        "--as-azure", action="store_true", help="run without functions that cannot be indexed"
    )
    up.add_argument("--no-host", action="store_true", help="leave the host to `func start`")
    demo = commands.add_parser("demo", help="tell the whole story on free ports, and check it")
    demo.add_argument("--chapter", type=int, help="tell only this one")
    demo.add_argument("--fast", action="store_true", help="leave no time to read")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= _LAST_FIRST_PORT:
        raise argparse.ArgumentTypeError(f"must be 1 to {_LAST_FIRST_PORT}: nine ports in a row")
    return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
