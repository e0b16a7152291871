"""What an operator pastes from docs/operations.md is whole, and its names are there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.source import ROOT

DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```sh\n(.*?)^```", DOCUMENT)
# Answers every question with a name, and writes down what it was asked.
AZ = """#!/bin/sh
printf '%s\\n' "$*" >>"$AZ_CALLS"
echo a-name
"""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda one: one.split("\n")[0][:40])
def test_a_block_is_a_script_without_gaps(block: str) -> None:
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)  # noqa: S607

    assert (done.returncode, done.stderr) == (0, "")
    assert "…" not in block
    assert "..." not in block


def test_the_first_block_finds_every_name_that_the_others_use(tmp_path: Path) -> None:
    stub = tmp_path / "az"
    stub.write_text(AZ)
    stub.chmod(0o700)
    script = (
        f"{BLOCKS[0]}\n{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    )

    done = subprocess.run(  # noqa: S603 - the document's own words
        ["/bin/sh", "-eu", "-c", script],
        env={
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "AZ_CALLS": f"{tmp_path}/calls",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    calls = (tmp_path / "calls").read_text().splitlines()
    names = set(re.findall(r"(?m)^export (\w+)=", BLOCKS[0]))
    used = {name for block in BLOCKS for name in re.findall(r"\$([A-Z]+)\b", block)}
    assert all("--resource-group rg-liveness " in call for call in calls)
    assert all(f'"{name}": "a-name"' in done.stdout for name in names - {"RG"})
    assert used <= names


def test_a_link_within_the_document_leads_somewhere() -> None:
    headings = re.findall(r"(?m)^#+ (.+)$", DOCUMENT)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}

    assert {
        link for link in re.findall(r"\]\(#([\w-]+)\)", DOCUMENT) if link not in anchors
    } == set()


def test_each_alert_has_a_paragraph_that_says_what_to_do() -> None:
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (?:page|mail) \|", DOCUMENT)
    paragraphs = "\n".join(re.findall(r"(?m)^\*\*(`.+?`)\.\*\*", DOCUMENT))

    assert rows
    assert [name for name in rows if f"`{name}`" not in paragraphs] == []


def test_lines_fit_a_terminal() -> None:
    assert [line for line in DOCUMENT.splitlines() if len(line) > 150] == []
