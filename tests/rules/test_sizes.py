import ast
import re
import statistics
from pathlib import Path

import pytest

from tests.rules.source import MODULES, ROOT, every_test, python_files, tree_of

# The pages that list: every request and reply, every error, everything that flow needs, every key.
LISTS = {"api.contract", "errors", "flow.ports", "store.row_keys"}
MAX_PARAMETERS = 5


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"api.contract"}))
def test_a_module_fits_in_one_head(module: str) -> None:
    assert lines_of(MODULES[module]) <= 230


def test_the_median_module_is_short() -> None:
    assert statistics.median(map(lines_of, MODULES.values())) <= 90


@pytest.mark.parametrize("module", sorted(MODULES.keys() - LISTS))
def test_a_module_has_few_public_names(module: str) -> None:
    assert len(public_names(MODULES[module])) <= 8


def public_names(path: Path) -> list[str]:
    names = []
    for node in tree_of(path).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.append(node.name)
            case ast.Assign(targets=targets):
                names += [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
                names.append(name)
    return [name for name in names if not name.startswith("_")]


@pytest.mark.parametrize(
    "path", [*MODULES.values(), *python_files("local")], ids=lambda one: one.stem
)
def test_who_takes_many_parameters_says_why(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    unexplained = [
        node.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(parameters(node)) > MAX_PARAMETERS
        and not re.search(r"# noqa: PLR0913 - \w+", lines[node.lineno - 1])
    ]

    assert unexplained == []


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    return [one.arg for one in every if one.arg not in {"self", "cls"}]


def test_a_test_is_no_longer_than_can_be_seen_at_once() -> None:
    too_long = {
        test.name: length
        for _, test in every_test()
        if (length := (test.end_lineno or 0) - test.lineno + 1) > 25
    }

    assert too_long == {}


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    docstring = (
        (first.end_lineno or 0) - first.lineno + 1
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        else 0
    )
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


@pytest.mark.parametrize(
    "path", [*MODULES.values(), ROOT / "function_app.py"], ids=lambda one: one.stem
)
def test_a_function_fits_on_one_screen(path: Path) -> None:
    too_long = {
        node.name: length_without_docstring(node)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length_without_docstring(node) > 35
    }

    assert too_long == {}


def test_tests_patch_almost_nothing() -> None:
    patches = [
        f"{path.name}:{node.lineno}"
        for path in python_files("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and is_patch(ast.unparse(node.func))
    ]

    assert len(patches) <= 0.05 * len(list(every_test())), patches


def is_patch(call: str) -> bool:
    return (
        call.endswith((".setattr", ".setitem"))
        or call.rsplit(".", maxsplit=1)[-1] == "patch"
        or ("patch.object" in call or "patch.dict" in call)
    )


def test_tests_use_no_mock_library() -> None:
    users = [
        path
        for path in python_files("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom) and "mock" in ast.unparse(node)
    ]

    assert users == []


@pytest.mark.parametrize("name", ["server-node/server.js", "server-python/server.py"])
def test_an_example_server_is_as_short_as_the_readme_says(name: str) -> None:
    assert lines_of(ROOT / "examples" / name) < 80
