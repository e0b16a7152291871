"""`python -m tests.chaos [--seed N] [--sessions N] [--seconds N]`: 0 only if every invariant holds.

The seed is printed first and gives the same plan again: the same sessions and the same troubles at
the same moments. What meets what is up to real time, so that a rare failure may want a few runs.
"""

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
import time
from pathlib import Path

from local.ports import StackError
from tests.chaos import report, system
from tests.chaos.plan import plan
from tests.chaos.run import execute

_SEEDS = 1_000_000


def main(arguments: list[str]) -> int:
    """Run once and return the exit code."""
    given = _parser().parse_args(arguments)
    size = f"--sessions {given.sessions} --seconds {given.seconds:g}"
    report.say(f"chaos with seed {given.seed}: python -m tests.chaos --seed {given.seed} {size}")
    try:
        return asyncio.run(_run(given))
    except (StackError, TimeoutError) as error:
        report.say(f"\nseed {given.seed}: the run itself broke: {error or type(error).__name__}")
        return 1


async def _run(given: argparse.Namespace) -> int:
    began = time.monotonic()
    todo = plan(given.seed, sessions=given.sessions, seconds=given.seconds)
    with tempfile.TemporaryDirectory() as folder:
        # The simulators run in this process; what they log is kept from the summary.
        logging.basicConfig(filename=Path(folder, "simulators.log"))
        async with system.set_up(Path(folder), todo.skew_seconds) as on:
            report.say("the stack runs; chaos begins")
            run = await execute(todo, on)
            report.summary(run, on)
            _, requests = await on.control("GET", "requests")
            report.failures(run, on, requests)
            if given.log:
                given.log.write_text(on.host.log)
    broken = len(list(run.findings))
    seconds = time.monotonic() - began
    ending = f"{broken} findings" if broken else "nothing was lost"
    report.say(f"\nseed {given.seed}: {ending}, in {seconds:.0f} seconds")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(_SEEDS))
    parser.add_argument("--sessions", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=100, help="how long sessions begin")
    parser.add_argument("--log", type=Path, help="where to keep what a host of ours logged")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
