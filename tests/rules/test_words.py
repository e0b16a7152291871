"""What acts is named by a verb, bounds by max and min, and every idea by the field's own word."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from tests.rules.source import MODULES, ROOT, tree_of

# How the names of what is awaited begin. A new one is a decision: is it a verb in its base form,
# and does the house have no verb for it yet?
VERBS = {
    "acquire", "adopt", "analyze", "answer", "ask", "await", "call", "cancel", "change", "check",
    "close", "commit", "complete", "consume", "create", "delete", "detect", "discard", "end",
    "erase",
    "fetch", "find", "get", "guard", "handle", "insert", "join", "keep", "list", "load", "look",
    "open", "parse", "postpone", "purge", "read", "record", "refresh", "reload", "replace",
    "resend", "run", "send", "settle", "start", "sweep", "take", "tell", "try", "unlock",
    "verify", "visit", "walk", "work", "write",
}  # fmt: skip
# A question only looks.
QUESTIONS = {"is", "has"}

# Participles that do not end in -ed.
IRREGULAR = {
    "begun", "bound", "broken", "built", "chosen", "done", "drawn", "found", "given", "gone",
    "grown", "heard", "held", "kept", "known", "left", "lost", "made", "met", "rung", "said",
    "seen", "sent", "set", "shown", "spent", "spoken", "taken", "told", "worn", "written",
}  # fmt: skip

# Words of ours for which the field has one: a reminder is a message. No name is excepted.
OLD_WORDS = {
    "cleaned", "doubts", "face_keys", "face_terms", "face_tokens", "flaws", "grown", "largest",
    "least", "longest", "lots", "most", "noted", "outrun", "pace", "paced", "patience", "patient",
    "patiently", "rang", "relieved", "remind", "reminded", "reminder", "restarted", "ring", "rung",
    "set_aside", "shortest", "started_again", "straighten", "stray", "strange", "told",
    "untouched", "whose_fault",
}  # fmt: skip

FILES = [*MODULES.values(), ROOT / "function_app.py"]


def functions(*kinds: type[ast.FunctionDef | ast.AsyncFunctionDef]) -> list[str]:
    return [
        node.name for path in FILES for node in ast.walk(tree_of(path)) if isinstance(node, kinds)
    ]


def first_word(name: str) -> str:
    return name.strip("_").partition("_")[0]


def identifiers() -> Iterator[str]:
    """Give every name that the app gives to something, in lower case with underscores."""
    for path in FILES:
        yield path.stem
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    name = node.name
                case ast.arg():
                    name = node.arg
                case ast.Name(ctx=ast.Store()):
                    name = node.id
                case _:
                    continue
            yield re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@cache
def words() -> set[str]:
    """Name every word, and every pair of words, that is a part of some name."""
    found = set[str]()
    for name in identifiers():
        parts = name.strip("_").split("_")
        found |= {*parts, *("_".join(pair) for pair in pairwise(parts))}
    return found


def test_what_is_awaited_begins_with_a_verb_in_its_base_form() -> None:
    others = {
        name
        for name in functions(ast.AsyncFunctionDef)
        if first_word(name) not in VERBS | QUESTIONS
    }

    assert others == set()


def test_the_list_of_verbs_has_no_other() -> None:
    assert {first_word(name) for name in functions(ast.AsyncFunctionDef)} >= VERBS


def test_few_functions_are_named_by_a_participle() -> None:
    every = functions(ast.FunctionDef, ast.AsyncFunctionDef)
    participles = [
        name
        for name in every
        if first_word(name) in IRREGULAR or re.fullmatch(r"\w+[^e]ed", first_word(name))
    ]

    assert len(participles) < 0.02 * len(every), participles


@pytest.mark.parametrize("word", sorted(OLD_WORDS))
def test_a_word_that_went_does_not_come_back(word: str) -> None:
    assert word not in words()
