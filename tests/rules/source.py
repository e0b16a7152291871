"""What the rules look at: this repository's own files, as text and as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "shared"
ROOMS = {path.parent.name: path for path in sorted(SHARED.glob("*/__init__.py"))}
# Every module of the app by its name within shared/: `flow.start`, `settings`.
MODULES = {
    ".".join(path.relative_to(SHARED).with_suffix("").parts): path
    for path in sorted(SHARED.rglob("*.py"))
    if path.stem != "__init__"
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> set[str]:
    """Name everything a file imports, in full: `from a import b` is `a.b`."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def python_files(folder: str) -> Iterator[Path]:
    return (
        path
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "node_modules" not in path.relative_to(ROOT).parts
    )


def every_test() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in python_files("tests"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
                "test_"
            ):
                yield path, node
