"""What docs/security.md promises to be proved, is."""

import re

import pytest

from tests.rules.source import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", DOCUMENT))))
def test_a_test_that_the_security_document_cites_exists(name: str) -> None:
    assert f"def {name}(" in TESTS


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:tests|\.github)/[\w/.]+)`", DOCUMENT)))
)
def test_a_file_that_the_security_document_cites_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_requirement_is_answered_once_and_what_is_met_is_proved() -> None:
    rows = re.findall(r"(?m)^\| (R\d+) \| [^|]+ \| (met|partly|no|not yet) \| (.+) \|$", DOCUMENT)

    assert [name for name, _, _ in rows] == [f"R{number}" for number in range(1, 42)]
    assert not [name for name, state, how in rows if state == "met" and "test" not in how]
