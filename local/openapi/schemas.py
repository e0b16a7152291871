"""The structs of the contract as JSON Schema, with words and examples on each field."""

from collections.abc import Iterable
from typing import Any

from msgspec import json

from local.openapi.fields import words_of
from shared.api import error_replies
from shared.api.contract import CompletionBody, CreateBody
from shared.session.session import Reason

type Schema = dict[str, Any]

_NULL = {"type": "null"}
# Who the device is, unless the SDK will say.
_DEVICE: Schema = {
    "if": {
        "title": "the SDK names the device",
        "properties": {"deviceCorrelationIdSetInClient": {"const": True}},
        "required": ["deviceCorrelationIdSetInClient"],
    },
    "then": {"properties": {"deviceCorrelationId": _NULL}},
    "else": {
        "title": "you name the device",
        "properties": {"deviceCorrelationId": {"type": "string"}},
        "required": ["deviceCorrelationId"],
    },
}
_FORM_IMAGE: Schema = {
    "type": "string",
    "format": "binary",
    "description": (
        "The reference image: JPEG, PNG, GIF or BMP, 1 KB to 6 MB. Its part needs a file name."
    ),
}


_ERROR_CODE: Schema = {
    "title": "ErrorCode",
    "description": "Every code of the app. New ones may come, each under a status of its route.",
    "type": "string",
    "enum": sorted({code for _, code in error_replies.STATUS_BY_ERROR.values()}),
}


def ref(name: str) -> Schema:
    """Point to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(structs: Iterable[type]) -> dict[str, Schema]:
    """Describe structs, and all that they are made of."""
    wanted = [*structs, CompletionBody, CreateBody, Reason]
    _, found = json.schema_components(wanted, ref_template="#/components/schemas/{name}")
    for name, schema in found.items():
        for field, described in schema.get("properties", {}).items():
            schema["properties"][field] = _described(name, field, described)
        if not schema.get("required", True):
            del schema["required"]
        if "enum" in schema:
            schema["type"] = "string"
    # An SDK's empty text is none, here too.
    found["CompletionBody"]["properties"]["error"]["anyOf"].append({"const": ""})
    forms = {"CreateForm": _form(found["CreateBody"]), "ErrorCode": _ERROR_CODE}
    found["CreateBody"] |= _DEVICE
    return {**found, **forms}


def _described(struct: str, field: str, schema: Schema) -> Schema:
    words = words_of(struct, field)
    # What counts for a text does not count for null, so it goes where the text is.
    branches = [one for one in schema.get("anyOf", []) if one != _NULL] or [schema]
    for branch in branches:
        branch.update(words.schema)
        branch.pop("title", None)
    schema.pop("default", None)
    if words.example is not None:
        schema["examples"] = [words.example]
    return {"description": words.description, **schema}


def _form(body: Schema) -> Schema:
    """Say what a multipart create has: the fields of a JSON one, as texts, and the image."""
    fields = {name: _without_null(field) for name, field in body["properties"].items()}
    return {
        "title": "CreateForm",
        "description": "The same as parts of a form, and the reference image.",
        "type": "object",
        "properties": {**fields, "verifyImage": _FORM_IMAGE},
        "anyOf": [
            {"required": [name]}
            for name in ("verifyImage", "referenceSessionId", "verifyImageSetInClient")
        ],
        "additionalProperties": False,
        **_DEVICE,
    }


def _without_null(field: Schema) -> Schema:
    (branch,) = (one for one in field["anyOf"] if one != _NULL)
    return {**{name: value for name, value in field.items() if name != "anyOf"}, **branch}
