import ast
from pathlib import Path

import pytest

from tests.rules.source import MODULES, ROOT, every_test, python_files, tree_of


@pytest.mark.parametrize("module", MODULES)
def test_a_module_fits_in_one_head(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 250


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
