"""A JSON object from bytes, within bounds and with no name given twice."""

import json

from shared.api.fields import as_target
from shared.errors import InvalidRequestError, RequestTooLargeError, UnsupportedMediaTypeError

MAX_BYTES = 16 * 1024


def read_as_json(content_type: str, body: bytes) -> dict[str, object]:
    """Read one JSON object from a body that must say that it is JSON."""
    # A page of any site can have a browser send other types without being asked (CORS).
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("the body must be application/json")
    return read(body)


def read(body: bytes) -> dict[str, object]:
    """Read one JSON object."""
    if len(body) > MAX_BYTES:
        raise RequestTooLargeError("a JSON body may have 16 KiB at most")
    try:
        # Some editors and languages begin a file with a byte order mark; it says nothing.
        value = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("the body must be JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return value


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequestError("a field is given twice", target=as_target(name))
        values[name] = value
    return values
