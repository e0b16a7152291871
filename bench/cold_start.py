"""What an instance takes until it can answer, and until it has. `python -m bench.cold_start`."""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import instructions
from bench.app_process import APPS, create_tables
from bench.figures import heading, note, ratio, report, row
from bench.outside import ROOT, run_outside

_FLOOR = (
    "Floor: the same worker, the same five libraries (aiohttp, azure-data-tables, azure-functions, "
    "azure-identity, azure-keyvault-secrets) and as many empty triggers as the app has; its first "
    "create makes the same outside calls bare. The libraries have byte code, as a remote build "
    "leaves them; the app has none, as it is deployed."
)
_NOTHING, _CREATE = "nothing 1 1", "create 1 1"
_STATES = {"indexed": ((_NOTHING,), "1.05"), "indexed + first create": ((_CREATE,), "-")}


type _Apps = Mapping[str, Path]


async def main(rounds: int, *, counts: bool) -> None:
    """Compare the app with its floor."""
    note(_FLOOR)
    with tempfile.TemporaryDirectory() as folder:
        apps = {"floor": APPS["floor"], "app": _copy_app(Path(folder))}
        async with run_outside() as outside:
            await create_tables(outside)
            settings = outside | {"PYTHONDONTWRITEBYTECODE": "1"}
            heading("CPU", "floor", "app", "app, floor as 1")
            for state, (orders, _) in _STATES.items():
                report(f"{state}: CPU of {rounds} starts each")
                bare, ours = await _pairs(apps, settings, orders, rounds)
                row(state, f"{bare:.2f} s", f"{ours:.2f} s", ratio(ours, bare))
            if counts and instructions.is_possible():
                await _count(apps, settings)
            elif counts:
                note(instructions.MISSING)


def _copy_app(folder: Path) -> Path:
    root = APPS["app"]
    for name in ("host.json", "function_app.py"):
        shutil.copy(root / name, folder)
    no_byte_code = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "shared", folder / "shared", ignore=no_byte_code)
    return folder


async def _count(apps: _Apps, settings: Mapping[str, str]) -> None:
    heading("instructions", "floor", "app", "app, floor as 1", "goal")
    for state, (orders, goal) in _STATES.items():
        report(f"{state}: instructions by valgrind")
        bare, ours = await asyncio.gather(
            *(instructions.count(app, settings, *orders) for app in apps.values())
        )
        row(state, f"{bare / 1e9:.2f} G", f"{ours / 1e9:.2f} G", ratio(ours, bare), goal)


async def _pairs(
    apps: _Apps, settings: Mapping[str, str], orders: tuple[str, ...], rounds: int
) -> tuple[float, float]:
    taken: dict[str, list[float]] = {name: [] for name in apps}
    # One more, which fills the machine's caches of files.
    for number in range(rounds + 1):
        for name, app in apps.items():
            seconds = await _start(app, settings, orders)
            if number:
                taken[name].append(seconds)
    bare, ours = (statistics.median(its) for its in taken.values())
    return bare, ours


async def _start(app: Path, settings: Mapping[str, str], orders: tuple[str, ...]) -> float:
    """Return the CPU seconds of one process from its first instruction to its end."""
    return await asyncio.to_thread(_run, app, os.environ | settings, orders)


def _run(app: Path, environment: Mapping[str, str], orders: tuple[str, ...]) -> float:
    command = [sys.executable, "-m", "bench.driver", str(app), *orders]
    there = {**environment, "PYTHONPATH": str(ROOT)}
    _, status, used = os.wait4(os.posix_spawn(sys.executable, command, there), 0)
    if status:
        raise RuntimeError(f"{app} did not start; its reason is above")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-instructions", action="store_true", help="without valgrind")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.rounds, counts=not chosen.no_instructions))
