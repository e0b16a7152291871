"""Every route of the page of triggers, and whom it is for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.api.door import Audience

PAGE = Path(__file__).parents[2] / "function_app.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One function's way in; a route for anybody has no audience."""

    function: str
    method: str
    path: str
    audience: Audience | None


def _routes() -> Iterator[Route]:
    for function in ast.parse(PAGE.read_text(encoding="utf-8")).body:
        if isinstance(function, ast.AsyncFunctionDef):
            for call in _calls(*function.decorator_list):
                if ast.unparse(call.func) == "app.route":
                    yield from _routes_of(function, call)


def _routes_of(function: ast.AsyncFunctionDef, call: ast.Call) -> Iterator[Route]:
    (methods,) = (ast.literal_eval(one.value) for one in call.keywords if one.arg == "methods")
    path, audience = ast.literal_eval(call.args[0]), _audience_of(function)
    for method in methods:
        yield Route(function=function.name, method=method, path=f"/{path}", audience=audience)


def _audience_of(function: ast.AsyncFunctionDef) -> Audience | None:
    answers = [one for one in _calls(*function.body) if ast.unparse(one.func) == "answer"]
    if not answers:
        return None
    (answer,) = answers
    return Audience[ast.unparse(answer.args[-1]).removeprefix("Audience.")]


def _calls(*nodes: ast.AST) -> list[ast.Call]:
    return [one for node in nodes for one in ast.walk(node) if isinstance(one, ast.Call)]


ROUTES = tuple(_routes())
