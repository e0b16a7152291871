import fnmatch
import json
import shutil
import subprocess

from shared.api import triggers
from tests.rules.source import ROOT

SHIPS = {"function_app.py", "host.json", "requirements.txt", "shared"}


def repository_files() -> set[str]:
    git = shutil.which("git")
    assert git, "git tells which files are the repository's"
    listed = subprocess.run(  # noqa: S603 - git, on this repository
        [git, "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def ignored_names() -> list[str]:
    lines = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_funcignore_has_plain_names_only_for_the_tools_disagree_on_more() -> None:
    assert not [name for name in ignored_names() if set(name) & set("*?[]!/\\ ")]


def test_nothing_ships_but_the_app() -> None:
    shipped = {
        name.split("/")[0]
        for name in repository_files()
        if not any(
            fnmatch.fnmatch(part, one) for part in name.split("/") for one in ignored_names()
        )
    }

    assert shipped == SHIPS


def test_everything_of_the_app_ships() -> None:
    needed = {name for name in repository_files() if name.split("/")[0] in SHIPS}

    assert not [name for name in needed if set(name.split("/")) & set(ignored_names())]
    assert not [name for name in needed if name.startswith("shared/") and not name.endswith(".py")]


def test_every_requirement_is_pinned_with_its_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        packages = [line for line in text.splitlines() if line and line.lstrip()[0] != "#"]

        assert packages
        assert all("==" in line and "--hash=sha256:" in line for line in packages)


def test_the_lock_has_every_package_that_is_asked_for() -> None:
    for name in ("requirements", "requirements-dev"):
        asked = (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines()
        locked = (ROOT / f"{name}.txt").read_text(encoding="utf-8")

        assert not [line for line in asked if "==" in line and f"\n{line} " not in locked]


def test_a_message_is_tried_as_often_as_the_platform_brings_it() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensions"]["queues"]["maxDequeueCount"] == triggers.MAX_DEQUEUE_COUNT
    assert host["extensions"]["queues"]["visibilityTimeout"] == "00:00:15"
    assert host["extensions"]["queues"]["batchSize"] == 4
