"""What the documents tell a reader to type, and the JSON that they show."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.rules.source import ROOT

# Whoever reads them runs nothing: samples of others, and decisions as they were taken.
_UNREAD = {"tests", "decisions"}
_FENCE = re.compile(r"(?ms)^[ ]*```(\w*)\n(.*?)^[ ]*```\n")
_SHELL = {"bash", "console", "sh", "shell"}
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_PROGRAMS = (
    "apt|az|azd|brew|curl|func|git|make|npm|pre-commit|sudo|(?:scripts|examples|infra)/[\\w.-]+"
)
_COMMAND = re.compile(rf"(?:{_PROGRAMS}) \S.*", re.DOTALL)
# The one address that the documents cannot know.
_FILLED_IN = {"<this repository>": "https://github.com/you/face-liveness-functions.git"}


@dataclass(frozen=True, slots=True)
class Command:
    """Something to type, and where it stands."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One page, as it is committed."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def folder(self) -> str:
        """The folder in which its reader types, as seen from the root: a client has its own."""
        return str(self.path.parent.relative_to(ROOT)) if self.name.startswith("clients/") else "."

    @property
    def commands(self) -> list[Command]:
        """Give each block of the shell, and each command in the text, in their order."""
        text = self.text
        found = [
            Command(_line(text, block.start(2)), block[2])
            for block in _FENCE.finditer(text)
            if block[1] in _SHELL
        ]
        prose = _without_blocks(text)
        found += [
            Command(_line(prose, span.start()), " ".join(span[1].split()))
            for span in _SPAN.finditer(prose)
            if _COMMAND.fullmatch(span[1])
        ]
        return [Command(one.line, _filled_in(one.text)) for one in found]

    @property
    def json_blocks(self) -> list[Any]:
        blocks = _FENCE.finditer(self.text)
        return [json.loads(block[2]) for block in blocks if block[1] == "json"]

    @property
    def json_spans(self) -> list[dict[str, Any]]:
        """Give what stands in the text and is a whole object."""
        spans = (span[1] for span in _SPAN.finditer(_without_blocks(self.text)))
        return [found for span in spans if isinstance(found := _parsed(span), dict)]


@cache
def documents() -> list[Document]:
    """Find every page that tells how something is done."""
    return [
        Document(path)
        for path in sorted(ROOT.rglob("*.md"))
        if not [
            part
            for part in path.relative_to(ROOT).parts
            if part in _UNREAD or part.startswith(".") or part == "node_modules"
        ]
    ]


def _without_blocks(text: str) -> str:
    # As many lines as before, so that a place keeps its number.
    return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _filled_in(text: str) -> str:
    for gap, value in _FILLED_IN.items():
        text = text.replace(gap, value)
    return text


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
