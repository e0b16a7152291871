import ast
import re
from collections.abc import Iterator

import pytest

from shared.api import error_replies
from shared.session.session import Outcome, Reason, Status
from tests.rules.source import every_test, python_files, tree_of


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def names_and_ids() -> Iterator[str]:
    """Give the name of every test, and every id that a table of facts gives to a row."""
    yield from (test.name for _, test in every_test())
    for path in python_files("tests"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.keyword) and node.arg in {"id", "ids"}:
                yield from (
                    one.value
                    for one in ast.walk(node.value)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                )


TOLD = {plain(name) for name in names_and_ids()}


def test_the_reasons_are_those_of_the_contract() -> None:
    assert set(Reason) == {
        "DigestMismatch", "ImageHashMismatch", "Spoof", "DifferentPerson", "BelowConfidenceFloor",
        "Uncertain", "UnknownDecision", "NoFinishedAttempt", "AttemptError", "Canceled",
        "DigestMissing", "VerifyMissing", "ImageHashMissing", "ReferenceQuality",
        "CanceledDuringCheck",
    }  # fmt: skip


@pytest.mark.parametrize(
    "word",
    sorted(
        {*Reason, *Status, *Outcome, *(code for _, code in error_replies.STATUS_BY_ERROR.values())}
    ),
)
def test_every_word_of_the_contract_has_a_test_named_after_it(word: str) -> None:
    assert any(plain(word) in name for name in TOLD)


def test_a_test_is_named_by_a_sentence() -> None:
    short = [test.name for _, test in every_test() if test.name.count("_") < 3]

    assert short == []


def test_no_two_tests_of_a_file_share_a_name() -> None:
    named = [(path, test.name) for path, test in every_test()]

    assert len(set(named)) == len(named)
