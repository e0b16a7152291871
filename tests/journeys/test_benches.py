import asyncio
import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.apps.floor.function_app import ENDED, OPEN
from tests.rules.source import ROOT
from tests.support.up import ENVIRONMENT
from tests.support.world import World

# Each at its smallest, and what it must have measured.
TINY = {
    "cold_start": (("--rounds", "1"), ("indexed", "indexed + first create")),
    "requests": (("--times", "1", "--rounds", "1"), ("create", "complete", "status")),
    "verify": (("--times", "1", "--rounds", "1"), ("CPU", "peak beside the body, in images")),
    "sweep": (("--few", "20", "--many", "40", "--due", "3"), ("40 stored", "3 sessions")),
    "peers": (("--times", "1", "--rounds", "1"), ("create", "complete", "a check: all three")),
}


@pytest.mark.parametrize("name", TINY)
async def test_a_benchmark_comes_to_its_end_and_says_its_floor_and_what_it_lacks(
    name: str, tmp_path: Path
) -> None:
    arguments, wanted = TINY[name]
    # No valgrind, wherever this runs: it is slow, and not everybody has it.
    (tmp_path / "node").symlink_to(shutil.which("node") or "")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"bench.{name}", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT | {"PATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, progress = (text.decode() for text in await process.communicate())

    assert (process.returncode, out.lstrip()[:6]) == (0, "Floor:"), progress
    assert not [row for row in wanted if f"| {row} |" not in out]
    assert ("valgrind is not installed" in out) == (name in {"cold_start", "requests"})


def size_of(row: Mapping[str, object]) -> tuple[Counter[type], int]:
    told = {name: value for name, value in row.items() if name not in {"PartitionKey", "RowKey"}}
    return Counter(map(type, told.values())), len(json.dumps(told))


async def test_the_floor_of_the_benchmarks_writes_rows_of_the_apps_size(world: World) -> None:
    check = await world.start()
    while_open = size_of(await world.row(check))
    await world.play(check, "realface")
    await world.complete(check)
    at_its_end = size_of(await world.row(check))

    for floor, app in ((OPEN, while_open), (ENDED, at_its_end)):
        columns, letters = size_of(floor)
        assert columns == app[0]
        assert letters == pytest.approx(app[1], rel=0.05)
