import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from local.functions_host import protos


def test_every_name_that_the_runtime_asks_for_exists() -> None:
    wanted = set(_wanted_names())

    missing = {name for name in wanted if not _exists(name)}

    assert "StatusResult.Failure" in wanted  # the search does find names
    assert missing == set()


def test_missing_name_is_an_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match=r"protos\.RpcNovelty"):
        _ = protos.RpcNovelty


def test_message_shows_no_values() -> None:
    assert repr(protos.TypedData(string="secret")) == "TypedData(string)"


def _wanted_names() -> Iterator[str]:
    spec = find_spec("azure_functions_runtime")
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        for source in Path(folder).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("protos."):
                    yield ast.unparse(node).removeprefix("protos.")


def _exists(dotted: str) -> bool:
    # In datumdef.py `protos` also names a message: what it calls there is a message's own.
    found: object = protos.TypedData() if dotted.startswith("WhichOneof") else protos
    for name in dotted.split("."):
        found = getattr(found, name, None)
    return found is not None
