"""What create, complete and status take beside the floor's. `python -m bench.requests`."""

import argparse
import asyncio

from bench import instructions
from bench.app_process import APPS, AppProcess, Taken, create_tables, run_apps
from bench.figures import heading, note, quantile, ratio, report, row
from bench.outside import run_outside

_FLOOR = (
    "Floor: a Functions app that makes the same outside calls bare, with the table client as it "
    "comes. create = a range query, a Face create, a transaction of 4 rows; complete = a read, a "
    "Face get, 5 rows, a Face delete, 3 rows; status = a read."
)
_GOALS = {"create": "1.15", "complete": "1.00", "status": "1.00"}
_PREPARE = {"create": ("create 2 1",), "status": ("create 2 1", "status 2 1")}


async def main(times: int, rounds: int, *, counts: bool) -> None:
    """Compare the app with its floor, first by CPU and latency, then by instructions."""
    note(_FLOOR)
    async with run_outside() as settings:
        async with run_apps("floor", "app", settings=settings) as (floor, app):
            for at_once in (1, 32):
                await _compare(
                    floor, app, times=max(times, at_once), rounds=rounds, at_once=at_once
                )
        if counts and instructions.is_possible():
            await create_tables(settings)
            await _count(settings)
        elif counts:
            note(instructions.MISSING)


async def _compare(
    floor: AppProcess, app: AppProcess, *, times: int, rounds: int, at_once: int
) -> None:
    heading(f"{at_once} at once", "CPU, floor as 1", "goal", "p50, floor as 1", "p99, floor as 1")
    for step, goal in _GOALS.items():
        report(f"{step}, {at_once} at once")
        bare, ours = await measure_pairs([floor, app], step, times, rounds, at_once)
        row(
            step,
            ratio(ours.median_cpu, bare.median_cpu),
            goal,
            *(
                ratio(quantile(ours.latencies, share), quantile(bare.latencies, share))
                for share in (0.5, 0.99)
            ),
        )


async def measure_pairs(
    apps: list[AppProcess], step: str, times: int, rounds: int, at_once: int
) -> list[Taken]:
    """Have each app do a step in turn, round by round, so that what disturbs disturbs all."""
    taken = [Taken() for _ in apps]
    for _ in range(rounds):
        for app, its in zip(apps, taken, strict=True):
            if step == "complete":
                await app.order("create", times, at_once)
                await app.order("play", times, 1)
            await app.order(step, times, at_once, its)
    return taken


async def _count(settings: dict[str, str]) -> None:
    heading("instructions", "floor", "app", "app, floor as 1", "goal")
    for step, goal in _GOALS.items():
        report(f"{step}: instructions by valgrind")
        number = 10
        prepare = _PREPARE.get(step, (f"create {number + 3} 1", f"play {number + 3} 1"))
        bare, ours = await asyncio.gather(
            *(
                instructions.count_each(APPS[name], settings, prepare, step, times=number)
                for name in ("floor", "app")
            )
        )
        row(step, f"{bare / 1e6:.2f} M", f"{ours / 1e6:.2f} M", ratio(ours, bare), goal)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-instructions", action="store_true", help="without valgrind")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.times, chosen.rounds, counts=not chosen.no_instructions))
