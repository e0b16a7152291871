"""Bodies as somebody would send them, and answers as docs/api.md shows them.

Of all fields at once most bodies would be refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from local.openapi.fields import words_of
from shared.api import contract

type Body = Mapping[str, Any]

_PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def _of(struct: type, *names: str, **others: object) -> Body:
    """Take the examples of some fields, and what is different here."""
    return {name: words_of(struct.__name__, name).example for name in names} | others


def _persons(struct: type) -> dict[str, Body]:
    return {
        "A user": _of(struct, "userCorrelationId"),
        "A device, where no user is named": _of(struct, "deviceCorrelationId"),
    }


EXAMPLES: Mapping[type, Mapping[str, Body]] = {
    contract.CreateBody: {
        "A user on a device, for an order": _of(
            contract.CreateBody, "userCorrelationId", "deviceCorrelationId", "reference"
        ),
        "The least": _of(contract.CreateBody, "deviceCorrelationId"),
    },
    contract.CompletionBody: {
        "The SDK has ended well": _of(contract.CompletionBody, "resultId", "digest"),
        "It has failed": _of(contract.CompletionBody, "livenessError", recognitionError="None"),
    },
    contract.PersonBody: _persons(contract.PersonBody),
    contract.ListBody: _persons(contract.ListBody),
    contract.EraseBody: {
        **_persons(contract.EraseBody),
        "How far an erasure is": _of(contract.EraseBody, "receiptId"),
    },
}


def shown_answers(struct: type[contract.ReplyBody]) -> Iterator[Body]:
    """Give the page's examples of an answer, in their order."""
    fields = structs.fields(struct)
    names = {one.encode_name for one in fields}
    required = {one.encode_name for one in fields if one.required}
    for block in re.findall(r"(?ms)^```json\n(.*?)^```", _PAGE.read_text(encoding="utf-8")):
        shown: dict[str, Any] = json.loads(block)
        if required <= shown.keys() <= names:
            yield shown
