import asyncio
import sys
from pathlib import Path

import pytest

from local.process import child_process

# Says that it runs, writes down each sign it gets, and takes its time to end by the right one.
CHILD = """
import pathlib, signal, sys, time

ends_by = sys.argv[1]

def note(sign):
    with pathlib.Path("signs").open("a") as file:
        file.write(sign + " ")

def hear(*_):
    note("SIGTERM")
    if ends_by == "SIGTERM":
        sys.exit()

signal.signal(signal.SIGTERM, hear)
note("begins")
sys.stdin.read()
note("stdin")
time.sleep(0.2)
while ends_by != "stdin":
    time.sleep(0.01)
"""


async def end_of(folder: Path, ends_by: str, graces: tuple[float, float]) -> str:
    command = [sys.executable, "-c", CHILD, ends_by]
    async with child_process.run("child", command, folder=folder, graces=graces) as child:
        while not (folder / "signs").exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    return await child.wait()


async def test_child_that_ends_with_its_stdin_gets_no_signal_on_top(tmp_path: Path) -> None:
    end = await end_of(tmp_path, "stdin", graces=(60, 60))

    assert (tmp_path / "signs").read_text() == "begins stdin "
    assert end == "child ended by itself, with exit code 0"


@pytest.mark.parametrize(
    ("ends_by", "graces", "exit_code"), [("SIGTERM", (0.1, 60), 0), ("nothing", (0.1, 0.1), -9)]
)
async def test_child_that_goes_on_is_signaled_and_then_killed(
    tmp_path: Path, ends_by: str, graces: tuple[float, float], exit_code: int
) -> None:
    end = await end_of(tmp_path, ends_by, graces)

    assert end == f"child ended by itself, with exit code {exit_code}"
