import inspect
import re

import pytest

from shared import errors
from shared.errors import AppError

CLASSES = [
    one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, AppError)
]


def parents_as_drawn() -> list[tuple[str, str]]:
    """Read the tree in the module's docstring: each error's name and its parent's."""
    parents, above = [("AppError", "Exception")], ["AppError"]
    for line in (errors.__doc__ or "").splitlines():
        if drawn := re.fullmatch(r"([│ ]*)[├└]── (\w+(?:, \w+)*)(?: +.+)?", line):
            depth = len(drawn[1]) // 4 + 1
            for name in drawn[2].split(", "):
                above[depth:] = [name]
                parents.append((name, above[depth - 1]))
    return parents


def test_the_tree_that_is_drawn_is_the_tree_that_is_there() -> None:
    there = [(one.__name__, one.__mro__[1].__name__) for one in CLASSES]

    assert sorted(parents_as_drawn()) == sorted(there)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda one: one.__name__)
def test_every_error_says_what_it_is_and_when_to_try_again_if_that_is_known(
    kind: type[AppError],
) -> None:
    words = ["what is wrong"] if kind is errors.ConfigurationError else "what is wrong"
    error = kind(words)  # type: ignore[arg-type] # one of them names many problems

    assert str(error) == "what is wrong"
    assert error.retry_after_seconds is None


def test_an_error_that_knows_when_to_try_again_says_so() -> None:
    assert errors.SessionConflictError("busy", retry_after_seconds=1).retry_after_seconds == 1
