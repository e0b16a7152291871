"""Every shell script is one that any POSIX shell runs as it was meant."""

import subprocess
import sys
from pathlib import Path

from tests.rules.source import ROOT
from tests.rules.test_package import repository_files

SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def shell_scripts() -> list[str]:
    return [
        name
        for name in sorted(repository_files())
        if (ROOT / name).read_bytes().startswith((b"#!/bin/sh\n", b"#!/usr/bin/env bash\n"))
    ]


def test_shellcheck_finds_nothing_in_any_shell_script() -> None:
    scripts = shell_scripts()

    found = subprocess.run(  # noqa: S603 - a program of our own .venv
        [SHELLCHECK, "--color=never", *scripts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"local/setup", "scripts/rotate-face-key", ".ci/run"} <= set(scripts)
    assert (found.stdout + found.stderr, found.returncode) == ("", 0)
