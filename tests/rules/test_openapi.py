"""The OpenAPI document says all that the app takes and answers, and is the one that ships."""

import json
import runpy
from collections.abc import Iterator
from typing import Any

from local.openapi import document
from local.openapi.document import PATH
from shared.api import error_replies
from tests.rules.source import ROOT

DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
MADE_OF_OTHERS = ("$ref", "anyOf", "allOf", "items", "properties")


def responses() -> Iterator[tuple[int, dict[str, Any]]]:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            yield from ((int(status), one) for status, one in operation["responses"].items())


def codes_in(response: dict[str, Any]) -> set[str]:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    parts = [one for one in schema.get("allOf", []) if "properties" in one]
    return {
        code for one in parts for code in one["properties"]["error"]["properties"]["code"]["enum"]
    }


def test_the_committed_document_is_what_the_code_says() -> None:
    assert PATH.read_text(encoding="utf-8") == document.text(), "run `make openapi`"


def test_every_route_that_the_host_finds_is_in_the_document() -> None:
    app = runpy.run_path(str(ROOT / "function_app.py"))["app"]
    triggers = [one.get_trigger() for one in app.get_functions()]
    routes = {
        (f"/{trigger.route}", method.value.lower())
        for trigger in triggers
        if trigger.type == "httpTrigger"
        for method in trigger.methods
    }

    assert routes == {(path, one) for path, methods in DOCUMENT["paths"].items() for one in methods}


def test_every_error_of_the_app_is_an_answer_with_its_status() -> None:
    told = {(status, code) for status, one in responses() for code in codes_in(one)}

    assert told == set(error_replies.STATUS_BY_ERROR.values())


def test_every_field_has_words_and_an_example() -> None:
    fields = {
        f"{name}.{field}": schema
        for name, struct in SCHEMAS.items()
        for field, schema in struct.get("properties", {}).items()
    }

    assert [name for name, one in fields.items() if not one.get("description")] == []
    assert [
        name
        for name, one in fields.items()
        if "examples" not in one and not one.keys() & {*MADE_OF_OTHERS} and "format" not in one
    ] == []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    pointers = {piece.partition('"')[0] for piece in text.split('"$ref": "#/')[1:]}

    for pointer in pointers:
        place = DOCUMENT
        for step in pointer.split("/"):
            place = place[step]
    assert len(pointers) > 20
