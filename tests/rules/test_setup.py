"""`local/setup` installs both halves at once, whatever was left behind, or names all that lacks."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rules.source import ROOT

TOOLS = ("bash", "cat", "cksum", "cp", "dirname", "grep", "mkdir", "mktemp", "rm", "sh", "sleep")
AZURITE = Path("local", "azurite")

# Each installer ends only once it has seen the other one begin, and nobody holds them.
TOGETHER = """
echo "$me" >>"$STATE/calls"
: >"$STATE/$me"
tries=0
until [ -e "$STATE/$other" ] && [ ! -e "$STATE/held" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || exit 1
    sleep 0.1
done
"""
PYTHON = f"""#!/bin/sh
case $* in
"-m venv --clear .venv") rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip install "*)
    me=pip other=npm
    {TOGETHER}
    [ ! -e "$STATE/hangs" ] || {{ echo $$ >"$STATE/hangs" && exec sleep 60; }}
    [ ! -e "$STATE/fails" ] || {{ echo "no such package" && exit 1; }} ;;
esac
"""
NPM = f"""#!/bin/sh
mkdir -p local/azurite/node_modules
me=npm other=pip
{TOGETHER}
"""
OTHER_PYTHON = "#!/bin/sh\nexit 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A clone of the project, and what is installed on the machine around it."""

    clone: Path
    programs: Path
    state: Path

    def install(self, name: str, text: str) -> None:
        """Put a program on the path."""
        write_program(self.programs / name, text)

    def start(self, shell: str = "sh", stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Begin to set up."""
        environment = {name: str(self.state) for name in ("HOME", "HOMEBREW_PREFIX", "STATE")}
        return subprocess.Popen(  # noqa: S603 - our own script
            [self.programs / shell, "local/setup"],
            cwd=self.clone,
            env=environment | {"PATH": str(self.programs)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def set_up(self) -> tuple[int, str]:
        """Set up, and give the exit code and what was said."""
        process = self.start()
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    def take_calls(self) -> list[str]:
        """List the installers that have run since the last time."""
        calls = self.state / "calls"
        taken = sorted(calls.read_text().split()) if calls.exists() else []
        calls.unlink(missing_ok=True)
        return taken


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    machine = Machine(clone=tmp_path / "clone", programs=tmp_path / "bin", state=tmp_path / "state")
    (machine.clone / AZURITE).mkdir(parents=True)
    for name in ("local/setup", "requirements-dev.txt", "local/azurite/package-lock.json"):
        shutil.copy(ROOT / name, machine.clone / name)
    machine.state.mkdir()
    machine.programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (machine.programs / tool).symlink_to(found)
    return machine


@pytest.fixture
def machine(bare: Machine) -> Machine:
    bare.install("python3.13", PYTHON)
    bare.install("node", "#!/bin/sh\necho 20\n")
    bare.install("npm", NPM)
    return bare


def test_all_that_is_missing_is_named_before_anything_is_installed(bare: Machine) -> None:
    code, said = bare.set_up()

    assert code == 1
    assert "Python 3.13 is needed" in said
    assert "Node.js 20 or later with npm is needed" in said
    assert {path.name for path in bare.clone.iterdir()} == {"local", "requirements-dev.txt"}


@pytest.mark.parametrize(
    ("program", "text", "complaint"),
    [
        pytest.param("python3.13", OTHER_PYTHON, "Python 3.13 is needed", id="another Python"),
        pytest.param(
            "python3.13",
            '#!/bin/sh\n[ "$2" != "import ensurepip, venv" ]\n',
            "without its venv module",
            id="Debian's Python without venv",
        ),
        pytest.param("node", "#!/bin/sh\necho 18\n", "and this is 18", id="an old Node.js"),
    ],
)
def test_what_is_there_but_will_not_do_is_refused(
    machine: Machine, program: str, text: str, complaint: str
) -> None:
    machine.install(program, text)

    code, said = machine.set_up()

    assert (code, machine.take_calls()) == (1, [])
    assert complaint in said


def test_a_python_that_only_uv_knows_is_found(machine: Machine) -> None:
    (machine.programs / "python3.13").rename(machine.state / "python-of-uv")
    only_outside_of_venv = (
        '#!/bin/sh\n[ "$*" != "python find --system 3.13" ] || echo "$STATE/python-of-uv"\n'
    )
    machine.install("uv", only_outside_of_venv)

    assert machine.set_up()[0] == 0


@pytest.mark.parametrize("version", ["20", "22", "26"])
def test_python_and_azurite_are_installed_at_once_and_only_once(
    machine: Machine, version: str
) -> None:
    machine.install("node", f"#!/bin/sh\necho {version}\n")

    assert machine.set_up()[0] == 0
    assert machine.take_calls() == ["npm", "pip"]
    assert (machine.clone / ".venv" / "bin" / "python").exists()
    assert machine.set_up() == (0, "")
    assert machine.take_calls() == []


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_person_at_a_terminal_sees_how_far_it_is(machine: Machine, shell: str) -> None:
    progress = re.compile(rb"\r +\d+ s +Azurite: \d+ of \d{3} packages +Python: \d+ of \d\d")
    held = machine.state / "held"
    held.touch()
    ours, theirs = os.openpty()

    with machine.start(shell, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while not progress.search(said):
            # It fails where nobody will write any more.
            said += os.read(ours, 10_000)
        held.unlink()
    os.close(ours)

    assert process.returncode == 0


def test_an_installation_that_failed_is_shown_and_made_anew(machine: Machine) -> None:
    (machine.state / "fails").touch()

    code, said = machine.set_up()

    assert (code, machine.take_calls()) == (1, ["npm", "pip"])
    assert "no such package" in said
    assert "pip has failed" in said
    (machine.state / "fails").unlink()
    assert machine.set_up()[0] == 0
    assert machine.take_calls() == ["pip"]


def test_what_is_interrupted_leaves_no_process_and_is_made_anew(machine: Machine) -> None:
    hangs = machine.state / "hangs"
    hangs.touch()

    with machine.start() as process:
        while not hangs.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)

    assert process.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(hangs.read_text()), 0)
    hangs.unlink()
    assert machine.set_up()[0] == 0
    assert "pip" in machine.take_calls()


@pytest.mark.parametrize(
    ("path", "text", "remade"),
    [
        pytest.param(".venv/bin/python", OTHER_PYTHON, ["pip"], id="a .venv of another Python"),
        pytest.param(".venv/.ready", "", ["pip"], id="a .venv that was begun"),
        pytest.param("requirements-dev.txt", "six==1.17.0\n", ["pip"], id="another list"),
        pytest.param(AZURITE / "package-lock.json", "{}\n", ["npm"], id="another Azurite"),
    ],
)
def test_what_no_longer_fits_is_made_anew(
    machine: Machine, path: str, text: str, remade: list[str]
) -> None:
    machine.set_up()
    machine.take_calls()
    write_program(machine.clone / path, text)

    assert machine.set_up()[0] == 0
    assert machine.take_calls() == remade
    assert machine.set_up() == (0, "")


def test_the_dev_container_brings_what_setup_asks_for() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    (node,) = (one for name, one in container["features"].items() if "/node:" in name)

    assert "/python:3.13-" in container["image"]
    assert int(node["version"]) >= 20
    assert container["postCreateCommand"] == "make setup"


def test_every_word_of_make_is_told_by_its_help() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    words = set(re.findall(r"(?m)^([a-z-]+):", text))
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", text)

    assert set(re.findall(r'@echo "make ([a-z-]+) ', text)) == words - {"help"}
    assert set(phony.split()) == words
