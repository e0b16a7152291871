import ast
import sys
from pathlib import Path

import pytest

import shared
from tests.rules.source import MODULES, ROOT, SHARED, imported, own_imports, python_files, tree_of

# From the top: a module imports from its own floor or from floors below.
FLOORS = [
    {"endpoints"},
    {"http_boundary"},
    {"composition"},
    {
        "face_client", "patience", "pace", "face_keys", "face_tokens", "session_store",
        "claim_rows", "session_rows", "row_columns", "storage_table", "settings", "telemetry",
    },
    {"sweep"},
    {"session_start", "liveness_flow", "face_deletion", "session_changes"},
    {
        "completion_report", "errors", "face_protocol", "face_terms", "idempotency", "json_body",
        "lenient_json", "lifecycle", "next_step", "ports", "reference_image", "secret",
        "sessions", "start_request", "verdict",
    },
]  # fmt: skip
# Each stands alone among the edges, but for the helpers of its own that it is made of.
EDGES = {
    "face_client": {"patience"},
    "face_keys": set[str](),
    "face_tokens": set[str](),
    "session_store": {"claim_rows", "row_columns", "session_rows", "storage_table"},
    "settings": set[str](),
    "telemetry": set[str](),
}

# Each is one module's own; azure.core's errors and credentials are common to Microsoft's clients.
SDKS = {
    "aiohttp": {"face_client"},
    "azure.core": {"face_keys", "face_tokens", "session_store", "storage_table"},
    "azure.data.tables": {"storage_table"},
    "azure.functions": {"endpoints", "http_boundary"},
    "azure.identity": {"composition"},
    "azure.keyvault.secrets": {"face_keys"},
    "werkzeug": {"start_request"},
}


def groups_of_the_map() -> list[list[str]]:
    _, *blocks = (shared.__doc__ or "").strip().split("\n\n")
    return [[line.split()[0] for line in block.splitlines()] for block in blocks]


def test_the_map_of_the_app_names_exactly_its_modules() -> None:
    named = [name for group in groups_of_the_map() for name in group]

    assert sorted(named) == sorted(MODULES)


def test_the_map_and_the_floors_agree() -> None:
    assert [set(group) for group in groups_of_the_map()] == FLOORS


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    (floor,) = (number for number, modules in enumerate(FLOORS) if module in modules)
    above = set().union(*FLOORS[:floor])

    assert not own_imports(MODULES[module]) & above


@pytest.mark.parametrize("module", MODULES)
def test_modules_do_not_import_in_circles(module: str) -> None:
    reached, frontier = set[str](), own_imports(MODULES[module])
    while frontier:
        reached |= frontier
        frontier = set().union(*(own_imports(MODULES[name]) for name in frontier)) - reached

    assert module not in reached


def test_the_edges_do_not_know_each_other() -> None:
    (floor,) = (modules for modules in FLOORS if EDGES.keys() <= modules)
    knows = {edge: own_imports(MODULES[edge]) & floor for edge in EDGES}

    assert knows == EDGES
    assert floor == EDGES.keys() | {"pace"} | set().union(*EDGES.values())


@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_is_imported_by_one_module(sdk: str) -> None:
    importers = {
        module
        for module, path in MODULES.items()
        if any(f"{name}.".startswith(f"{sdk}.") for name in imported(path))
    }

    assert importers == SDKS[sdk]


@pytest.mark.parametrize("module", MODULES)
def test_nothing_else_comes_from_outside(module: str) -> None:
    foreign = {
        name
        for name in imported(MODULES[module])
        if name.split(".")[0] not in {*sys.stdlib_module_names, "shared"}
        and not any(f"{name}.".startswith(f"{sdk}.") for sdk in SDKS)
    }

    assert foreign == set()


def attributes(path: Path) -> set[str]:
    return {
        ast.unparse(node) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)
    }


def modules_that_say(*names: str) -> set[str]:
    return {module for module, path in MODULES.items() if attributes(path) & set(names)}


def test_only_settings_reads_the_environment() -> None:
    assert modules_that_say("os.environ", "os.getenv") == {"settings"}
    assert {module for module in MODULES if "os" in imported(MODULES[module])} == {"settings"}


def test_only_composition_reads_the_clock_and_draws_lots() -> None:
    clocks = ("datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.monotonic")

    assert modules_that_say(*clocks) == {"composition"}
    assert modules_that_say("secrets.token_bytes", "random.random") == {"composition"}
    lots = {"random", "secrets", "uuid"}
    assert {one for one, path in MODULES.items() if imported(path) & lots} == {"composition"}


def test_only_telemetry_logs() -> None:
    assert modules_that_say("logging.getLogger") == {"telemetry"}
    assert not [
        node
        for path in MODULES.values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name) and node.id == "print"
    ]


@pytest.mark.parametrize("module", [*MODULES, "../function_app"])
def test_no_error_is_caught_that_nobody_foresaw(module: str) -> None:
    caught = [
        ast.unparse(handler.type) if handler.type else "everything"
        for handler in ast.walk(tree_of(SHARED / f"{module}.py"))
        if isinstance(handler, ast.ExceptHandler)
    ]

    assert not {"everything", "Exception", "BaseException"} & set(caught)


@pytest.mark.parametrize("folder", ["shared", "local"])
def test_nobody_imports_the_tests(folder: str) -> None:
    assert not [
        path for path in python_files(folder) for name in imported(path) if name.startswith("tests")
    ]


def test_the_app_imports_no_stand_ins() -> None:
    files = [*MODULES.values(), ROOT / "function_app.py"]

    assert not [
        path
        for path in files
        for name in imported(path)
        if name.split(".")[0] in {"local", "tests"}
    ]


@pytest.mark.parametrize("module", [*MODULES, "__init__", "../function_app"])
def test_a_name_has_one_address(module: str) -> None:
    starred_or_relative = [
        ast.unparse(node)
        for node in ast.walk(tree_of(SHARED / f"{module}.py"))
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*")
    ]

    assert not starred_or_relative
    assert module != "__init__" or not imported(SHARED / "__init__.py")
