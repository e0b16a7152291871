import fnmatch
import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from tempfile import TemporaryDirectory

import pytest

from shared.api import triggers
from tests.rules.source import ROOT

SHIPS = {"function_app.py", "host.json", "requirements.txt", "shared"}

# What lies about in a clone sooner or later, and is nobody's to send.
LIES_ABOUT = {
    ".DS_Store", ".azure/dev/.env", ".coverage", ".devcontainer/devcontainer.json", ".editorconfig",
    ".env", ".envrc", ".idea/workspace.xml", ".local/func.env", ".pre-commit-config.yaml",
    ".python-version", ".venv/pyvenv.cfg", ".vscode/settings.json", "CONTRIBUTING.md",
    "SECURITY.md", "__pycache__/function_app.cpython-313.pyc", "clients/js/index.js",
    "dist/app.zip", "env/pyvenv.cfg", "examples/check.sh", "htmlcov/index.html",
    "local.settings.json", "local/azurite/node_modules/a/index.js", "node_modules/a/index.js",
    "notes.txt", "venv/pyvenv.cfg",
}  # fmt: skip
BYTE_CODE = {"shared/__pycache__/a.cpython-313.pyc", "shared/face/__pycache__/b.cpython-313.pyc"}

type Sent = set[str]


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


def sent_by_core_tools(files: set[str]) -> Sent:
    """Apply the rule of `func azure functionapp publish`, which anchors every name at the root.

    https://github.com/Azure/azure-functions-core-tools/blob/main/src/Cli/func/Common/GitIgnoreParser.cs
    and, for what it never sends, FileSystemHelpers.GetLocalFiles beside it.
    """
    ignored = re.compile(rf"({'|'.join(map(re.escape, ignored_names()))})\b", re.ASCII)
    never = {".funcignore", ".gitignore", "local.settings.json", "project.lock.json"}
    return {
        name
        for name in files
        if not ignored.match(name)
        and not {".git", ".vscode"} & set(name.split("/")[:-1])
        and name.split("/")[-1] not in never
    }


def sent_by_azd(files: set[str]) -> Sent:
    """Apply git's own rule, which is azd's and the GitHub action's."""
    ignoring = ["git", "-c", f"core.excludesFile={ROOT / '.funcignore'}", "check-ignore"]
    with TemporaryDirectory() as empty:
        subprocess.run(["git", "init", "--quiet"], cwd=empty, check=True)  # noqa: S607
        ignored = subprocess.run(  # noqa: S603 - git, on names alone
            [*ignoring, "--no-index", "--stdin"],
            cwd=empty,
            input="\n".join(files),
            capture_output=True,
            text=True,
            check=True,
        )
    return files - set(ignored.stdout.splitlines())


def of_make_package(files: str) -> set[str]:
    """Ask scripts/package for its `packaged_files` or its `tracked_files`."""
    return set(runpy.run_path(str(ROOT / "scripts" / "package"))[files](ROOT))


@pytest.mark.parametrize(
    ("sent", "besides"),
    [
        pytest.param(sent_by_azd, set(), id="azd and the GitHub action"),
        # It cannot be told of a name at any depth. Stale byte code does no harm: Python remakes it.
        pytest.param(sent_by_core_tools, BYTE_CODE, id="Core Tools"),
    ],
)
def test_every_tool_sends_what_make_package_sends(
    sent: Callable[[set[str]], Sent], besides: Sent
) -> None:
    files = of_make_package("tracked_files") | LIES_ABOUT | BYTE_CODE

    assert sent(files) == of_make_package("packaged_files") | besides


def test_nothing_ships_but_the_app() -> None:
    assert {name.split("/")[0] for name in of_make_package("packaged_files")} == SHIPS


def test_everything_of_the_app_ships() -> None:
    needed = {name for name in repository_files() if name.split("/")[0] in SHIPS}

    assert not [name for name in needed if set(name.split("/")) & set(ignored_names())]
    assert {name for name in needed if name.startswith("shared/") and not name.endswith(".py")} == {
        "shared/api/openapi.json"
    }


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


def pins(name: str) -> dict[str, str]:
    """Read a lock: each package with its version."""
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8")))


def test_what_runs_in_azure_is_what_the_tests_run_on() -> None:
    shipped = pins("requirements.txt")

    assert "azure-functions-runtime" in shipped
    assert shipped.items() <= pins("requirements-dev.txt").items()
    assert shipped == {name: version(name) for name in shipped}


def test_what_runs_our_functions_is_updated_by_itself() -> None:
    dependabot = (ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8")
    (pattern,) = re.findall(r'(?m)^ {6}functions:\n {8}patterns: \["(.+)"\]$', dependabot)

    updated = fnmatch.filter(pins("requirements.txt"), pattern)
    assert updated == ["azure-functions", "azure-functions-runtime"]


def test_a_message_is_tried_as_often_as_the_platform_brings_it() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensions"]["queues"]["maxDequeueCount"] == triggers.MAX_DEQUEUE_COUNT
    assert host["extensions"]["queues"]["visibilityTimeout"] == "00:00:15"
    assert host["extensions"]["queues"]["batchSize"] == 16
    # Those that wait for their turn to ask Face keep no fresh message from being fetched.
    assert host["extensions"]["queues"]["newBatchThreshold"] == 48
    assert host["extensions"]["queues"]["maxPollingInterval"] == "00:00:02"
