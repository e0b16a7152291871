"""`scripts/package` makes the zip that Azure receives."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.rules.source import ROOT
from tests.rules.test_package import SHIPS, repository_files

PACKAGE = Path("scripts", "package")


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own scripts, and git
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def package(folder: Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, str(PACKAGE)], folder)


def files_in(folder: Path) -> list[str]:
    with zipfile.ZipFile(folder / "dist" / "app.zip") as archive:
        return archive.namelist()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Make a small repository with the real script."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / PACKAGE, tmp_path / PACKAGE)
    for name in ("host.json", "shared/app.py", "shared/tests/app.py", "tests/app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".funcignore").write_text("# said\n.funcignore\nscripts\n\ntests\n")
    run(["git", "init", "--quiet"], tmp_path)
    run(["git", "add", "."], tmp_path)
    (tmp_path / "shared" / "secret.txt").write_text("it merely lies around")
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository of all that is here, and its package."""
    folder = tmp_path_factory.mktemp("whole")
    for name in repository_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    run(["git", "init", "--quiet"], folder)
    run(["git", "add", "."], folder)
    assert package(folder).returncode == 0
    return folder


def test_azure_receives_the_app_and_nothing_else(whole: Path) -> None:
    assert sorted(files_in(whole)) == sorted(
        name for name in repository_files() if name.split("/")[0] in SHIPS
    )


def test_the_app_is_whole_in_its_package(whole: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(whole / "dist" / "app.zip") as archive:
        archive.extractall(tmp_path)
    index = (
        "for one in __import__('function_app').app.get_functions(): print(one.get_function_name())"
    )

    done = run([sys.executable, "-W", "error", "-c", index], tmp_path)

    assert done.stderr == ""
    assert {"start_session", "record_result", "sweep_stale_sessions"} <= set(done.stdout.split())


def test_only_what_git_tracks_and_funcignore_allows_ships(clone: Path) -> None:
    done = package(clone)

    assert files_in(clone) == ["host.json", "shared/app.py"]
    assert done.stdout.splitlines()[:2] == files_in(clone)


def test_the_same_files_make_the_same_zip(clone: Path) -> None:
    package(clone)
    first = (clone / "dist" / "app.zip").read_bytes()

    (clone / "host.json").touch()
    (clone / "shared" / "app.py").chmod(0o600)
    package(clone)

    assert (clone / "dist" / "app.zip").read_bytes() == first
    with zipfile.ZipFile(clone / "dist" / "app.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_pattern_in_funcignore_is_refused_for_tools_disagree(clone: Path) -> None:
    (clone / ".funcignore").write_text("tests/**\n")

    done = package(clone)

    assert done.returncode == 1
    assert "plain names only" in done.stderr


def test_no_package_is_made_outside_of_a_clone(clone: Path) -> None:
    shutil.rmtree(clone / ".git")

    done = package(clone)

    assert done.returncode == 1
    assert "git" in done.stderr
    assert not (clone / "dist").exists()
