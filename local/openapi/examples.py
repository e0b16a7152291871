"""Bodies as somebody would send them; of all fields at once most are refused."""

from collections.abc import Mapping
from typing import Any

from local.openapi.fields import words_of
from shared.api import contract

type Body = Mapping[str, Any]


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
