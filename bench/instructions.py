"""Counts instructions with valgrind, which a busy machine does not disturb."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

from bench.outside import ROOT

_COUNT = re.compile(rb"I\s+refs:\s+([0-9,]+)")
_VALGRIND = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    "--cachegrind-out-file=/dev/null",
)
MISSING = (
    "valgrind is not installed, so no instructions are counted: "
    "`apt-get install valgrind`, on Linux. CPU seconds follow."
)


def is_possible() -> bool:
    """Tell whether valgrind is there."""
    return shutil.which("valgrind") is not None


async def count(app: Path, settings: Mapping[str, str], *orders: str) -> int:
    """Count the instructions of indexing an app and doing what is ordered, then ending."""
    process = await asyncio.create_subprocess_exec(
        *_VALGRIND,
        *(sys.executable, "-m", "bench.driver", str(app), *(orders or ("nothing 1 1",))),
        cwd=ROOT,
        # The same order of every set and dictionary in every run.
        env=os.environ | settings | {"PYTHONHASHSEED": "0"},
        stdout=DEVNULL,
        stderr=PIPE,
    )
    _, said = await process.communicate()
    found = _COUNT.search(said)
    if process.returncode != 0 or found is None:
        raise RuntimeError(said.decode(errors="replace")[-2000:])
    return int(found[1].replace(b",", b""))


async def count_each(
    app: Path, settings: Mapping[str, str], prepare: tuple[str, ...], step: str, *, times: int
) -> float:
    """Count the instructions of one call when all is warm: of two runs, one makes more calls."""
    few, many = [
        await count(app, settings, *prepare, f"{step} {number} 1") for number in (2, 2 + times)
    ]
    return (many - few) / times
