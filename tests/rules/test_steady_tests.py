"""No test waits for a while or measures one: it counts calls, or polls for what is to come."""

import ast
from collections.abc import Iterator

from tests.rules.source import ROOT, python_files, tree_of

# Chaos is real time on purpose.
FILES = {
    str(path.relative_to(ROOT / "tests")): path
    for path in python_files("tests")
    if "chaos" not in path.relative_to(ROOT).parts
}
# Where something sleeps without polling, and why a slow machine makes no difference there.
SLEEPERS = {
    "contracts/functions_host/sample_app.py": "a function that takes its time",
    "journeys/test_races.py": "who meets whom is left to chance",
    "support/fault_proxy.py": "the slow fault, far below every time-out",
    "unit/face/test_breaker.py": "in virtual time",
    "unit/flow/test_flood.py": "in virtual time",
    "unit/flow/test_outages.py": "in virtual time",
    "unit/flow/test_queue_order.py": "in virtual time",
    "unit/flow/test_sweep_bounds.py": "in virtual time",
    "unit/test_composition.py": "in virtual time",
}
WATCHES = {
    "contracts/test_face_simulator_control.py": "a delay is at least as long as was asked for",
}


def calls_in(node: ast.AST, *names: str) -> Iterator[ast.Call]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) in names:
            yield inner


def polls(tree: ast.AST) -> set[ast.Call]:
    """Find the sleeps within loops."""
    loops = (
        node for node in ast.walk(tree) if isinstance(node, ast.While | ast.For | ast.AsyncFor)
    )
    return {call for loop in loops for call in calls_in(loop, "asyncio.sleep", "time.sleep")}


def is_a_wait(call: ast.Call) -> bool:
    # A sleep of 0 is one turn for everybody else.
    return not (call.args and ast.unparse(call.args[0]) == "0")


def test_no_test_sleeps_but_to_look_again() -> None:
    sleepers = {
        name
        for name, path in FILES.items()
        if set(filter(is_a_wait, calls_in(tree_of(path), "asyncio.sleep", "time.sleep")))
        - polls(tree_of(path))
    }

    assert sleepers == set(SLEEPERS)


def test_no_test_measures_time() -> None:
    stop_watches = ("time.monotonic", "time.perf_counter", "time.process_time")

    assert {
        name for name, path in FILES.items() if any(calls_in(tree_of(path), *stop_watches))
    } == (set(WATCHES))


def test_the_environment_is_changed_in_one_place_where_a_host_may_run_on() -> None:
    changers = {
        name
        for name, path in FILES.items()
        if name.startswith(("journeys/", "contracts/", "support/", "conftest"))
        and ".setenv(" in path.read_text(encoding="utf-8")
    }

    assert changers == {"conftest.py", "support/environment.py"}
