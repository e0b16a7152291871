"""Microsoft's JavaScript, as it is: packages from npm by a lock file, scripts that speak JSON."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def install(folder: Path) -> None:
    """Fetch what a folder locks, unless it is there."""
    ready = folder / "node_modules" / ".ready"
    with (folder / "package-lock.json").open(encoding="utf-8") as lock:
        # Of several processes one fetches, and the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = lock.read()
        if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
            subprocess.run(_INSTALL, cwd=folder, check=True)  # noqa: S603 - npm, with our lock file
            ready.write_text(wanted, encoding="utf-8")


def install_python(folder: Path) -> Path:
    """Make an environment of a folder's own requirements, unless it is there; name its Python."""
    python, ready = folder / ".venv" / "bin" / "python", folder / ".venv" / ".ready"
    with (folder / "requirements.txt").open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = lock.read()
        if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
            make = [sys.executable, "-m", "venv", "--clear", str(folder / ".venv")]
            fill = [str(python), "-m", "pip", "install", "--quiet", "--requirement", lock.name]
            subprocess.run(make, check=True)  # noqa: S603 - our own words
            subprocess.run(fill, check=True)  # noqa: S603 - our own words
            ready.write_text(wanted, encoding="utf-8")
    return python


def run(folder: Path, script: str, question: object) -> Any:  # noqa: ANN401 - JSON
    """Put a question to a script of a folder, and give its answer."""
    done = subprocess.run(  # noqa: S603 - our own script
        ["node", script],  # noqa: S607 - Node.js, wherever it is
        cwd=folder,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
