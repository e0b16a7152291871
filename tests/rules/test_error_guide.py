"""Whatever an SDK or Face reports, the error guide has a line for it, in every language."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.rules.source import ROOT

LANGUAGES = sorted((ROOT / "docs" / "errors").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


GUIDE = read(ROOT / "docs" / "errors.json")
CODES: dict[str, Any] = GUIDE["codes"]
# By platform, then by the field in which it is told.
REPORTED: dict[str, dict[str, list[str]]] = read(ROOT / "tests" / "samples" / "sdk" / "codes.json")


def normalize(spelling: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", spelling).lower()


@pytest.mark.parametrize("platform", REPORTED)
def test_every_code_of_a_platform_has_a_line_in_its_own_spelling(platform: str) -> None:
    missing = [
        (field, spelling)
        for field, spellings in REPORTED[platform].items()
        for spelling in spellings
        if spelling not in GUIDE["noError"]
        and not any(
            field in entry["in"] and spelling in entry["spellings"][platform]
            for entry in CODES.values()
        )
    ]

    assert missing == []


def test_a_code_leads_to_one_line_whatever_its_case_and_separators() -> None:
    lines: dict[str, set[str]] = {}
    for code, entry in CODES.items():
        for spelling in (code, *chain.from_iterable(entry["spellings"].values())):
            lines.setdefault(normalize(spelling), set()).add(code)

    assert {spelling: codes for spelling, codes in lines.items() if len(codes) > 1} == {}
    assert not lines.keys() & {normalize(spelling) for spelling in GUIDE["noError"]}


def test_every_line_says_what_to_do_and_who_can_mend_it() -> None:
    for code, entry in CODES.items():
        assert entry["retry"] in {"sameSession", "newSession", "giveUp"}, code
        assert entry["fault"] in {"person", "app", "service"}, code
        assert entry["spellings"].keys() == REPORTED.keys(), code
        assert set(entry["in"]) <= {"livenessError", "recognitionError", "attemptError"}, code
    assert GUIDE["unknown"] in CODES


def test_what_a_person_can_mend_never_ends_in_giving_up() -> None:
    assert not [
        code
        for code, entry in CODES.items()
        if entry["fault"] == "person" and entry["retry"] == "giveUp"
    ]


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_language_has_a_text_for_every_code_and_no_other(path: Path) -> None:
    texts = read(path)

    assert list(texts) == list(CODES)
    assert all(text and text.strip() == text for text in texts.values())


def test_the_guide_speaks_english_and_german() -> None:
    assert {path.stem for path in LANGUAGES} >= {"en", "de"}
