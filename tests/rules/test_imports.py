import ast
import sys
from pathlib import Path

import pytest

import shared
from tests.rules.source import MODULES, ROOMS, ROOT, SHARED, imported, tree_of

# Which way imports may point, and which rooms know each other, is import-linter's contract in
# pyproject.toml. Here is what it cannot say.

# Each is one module's own; azure.core's errors and credentials are common to Microsoft's clients.
# aiohttp is no service's: Face v1.2 has no SDK, and PyJWT's client for keys would block the event
# loop, so each has one module that speaks HTTP itself.
SDKS = {
    "aiohttp": {"entra.signing_keys", "face.client"},
    "azure.core": {
        "azure_errors",
        "azure_http",
        "events.event_grid",
        "face.entra",
        "face.key_vault",
        "store.lazy_client",
        "store.session_store",
        "store.table",
    },
    "azure.data.tables": {"store.table"},
    "azure.eventgrid": {"events.event_grid"},
    "azure.functions": {
        "api.door",
        "api.for_frontend",
        "api.for_operator",
        "api.for_server",
        "api.request_parts",
        "api.responses",
        "api.triggers",
    },
    "azure.identity": {"connections"},
    "azure.keyvault.secrets": {"face.key_vault"},
    "azure.storage.blob": {"store.images"},
    "cryptography": {"store.sealing"},
    "jwt": {"entra.access_token"},
    "msgspec": {
        *("api.contract", "api.error_replies", "api.fields", "api.public", "api.replies"),
        # What a record holds many of is one column of JSON.
        *("api.responses", "store.columns"),
    },
    "multipart": {"api.create_body", "api.form_body"},
    "azure.storage.queue": {"store.message_queue"},
    "tenacity": {"face.retry"},
}


def names_of_the_map() -> list[str]:
    _, *blocks = (shared.__doc__ or "").strip().split("\n\n")
    return [line.split()[0] for block in blocks for line in block.splitlines()]


def test_the_map_of_the_app_names_exactly_its_rooms_and_what_stands_beside_them() -> None:
    beside = [module for module in MODULES if "." not in module]

    assert sorted(names_of_the_map()) == sorted([*ROOMS, *beside])


def test_a_room_says_what_it_is_for() -> None:
    assert all(ast.get_docstring(tree_of(path)) for path in ROOMS.values())
    assert not [room for room, path in ROOMS.items() if imported(path)]


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
    assert modules_that_say("secrets.token_bytes") == {"composition"}
    lots = {"random", "secrets", "uuid"}
    assert {one for one, path in MODULES.items() if imported(path) & lots} == {"composition"}


def test_only_a_large_form_leaves_the_event_loop() -> None:
    assert modules_that_say("asyncio.to_thread") == {"api.for_server"}
    others = ("threading", "concurrent", "multiprocessing", "subprocess")
    names = [name for path in MODULES.values() for name in imported(path)]
    assert not [name for name in names if name.split(".")[0] in others]


def test_only_telemetry_logs() -> None:
    assert modules_that_say("logging.getLogger") == {"telemetry"}
    assert not [
        node
        for path in MODULES.values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name) and node.id == "print"
    ]


def path_of(module: str) -> Path:
    return MODULES.get(module) or SHARED / f"{module}.py"


@pytest.mark.parametrize("module", [*MODULES, "../function_app"])
def test_no_error_is_caught_that_nobody_foresaw(module: str) -> None:
    caught = [
        ast.unparse(handler.type) if handler.type else "everything"
        for handler in ast.walk(tree_of(path_of(module)))
        if isinstance(handler, ast.ExceptHandler)
    ]

    assert not {"everything", "Exception", "BaseException"} & set(caught)


def test_the_page_of_triggers_is_imported_by_nobody_and_knows_no_stand_ins() -> None:
    page = imported(ROOT / "function_app.py")

    assert {name.split(".")[0] for name in page} == {"azure", "gc", "shared"}
    assert not [
        module
        for module, path in MODULES.items()
        if any("function_app" in n for n in imported(path))
    ]


@pytest.mark.parametrize("module", [*MODULES, "__init__", "../function_app"])
def test_a_name_has_one_address(module: str) -> None:
    starred_or_relative = [
        ast.unparse(node)
        for node in ast.walk(tree_of(path_of(module)))
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*")
    ]

    assert not starred_or_relative
    assert module != "__init__" or not imported(SHARED / "__init__.py")
