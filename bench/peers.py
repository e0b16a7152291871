"""Beside a Functions app after Microsoft's tutorial, and the same made to record and judge."""

import argparse
import asyncio
import statistics

from bench.app_process import Taken, run_apps
from bench.figures import heading, note, quantile, ratio, report, row
from bench.outside import run_outside
from bench.requests import measure_pairs

_FLOOR = (
    "Floor: tutorial, which asks Face and keeps nothing. Fair peer: recorder, the same app with a "
    "row, a token and a verdict in the same table service by the same SDK. Figures are the app's "
    "with the peer's as 1: below 1 the app is ahead."
)
_PEERS = ("tutorial", "recorder")
_STEPS = ("create", "complete", "status")


async def main(times: int, rounds: int) -> None:
    """Compare at 8 and at 32."""
    note(_FLOOR)
    async with run_outside() as settings, run_apps(*_PEERS, "app", settings=settings) as apps:
        for at_once in (8, 32):
            heading(
                f"{at_once} at once",
                *(f"{figure}, {name} as 1" for name in _PEERS for figure in ("CPU", "p50", "p99")),
            )
            whole = [Taken() for _ in apps]
            for step in _STEPS:
                report(f"{step}, {at_once} at once")
                taken = await measure_pairs(apps, step, max(times, at_once), rounds, at_once)
                _print(step, taken)
                for total, one in zip(whole, taken, strict=True):
                    total.cpu.append(one.median_cpu)
                    total.latencies.append(statistics.median(one.latencies))
            cpu = [sum(total.cpu) for total in whole]
            waits = [sum(total.latencies) for total in whole]
            row(
                "a check: all three",
                *(
                    cell
                    for peer in range(len(_PEERS))
                    for cell in (ratio(cpu[-1], cpu[peer]), ratio(waits[-1], waits[peer]), "")
                ),
            )


def _print(step: str, taken: list[Taken]) -> None:
    *peers, ours = taken
    cells = []
    for peer in peers:
        cells.append(ratio(ours.median_cpu, peer.median_cpu))
        for share in (0.5, 0.99):
            both = (quantile(one.latencies, share) for one in (ours, peer))
            cells.append(ratio(*both))
    row(step, *cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.times, chosen.rounds))
