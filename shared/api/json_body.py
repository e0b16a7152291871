"""A JSON object from bytes, taken field by field; whatever is wrong with it gets said."""

import json
import re
from collections.abc import Mapping

from shared.errors import InvalidRequestError, RequestTooLargeError

MAX_BYTES = 16 * 1024
_SAFE_NAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


class Fields:
    """The fields of one request: each is taken once, and what is left over is refused."""

    def __init__(self, values: Mapping[str, object]) -> None:
        """Start with everything the request says; null is a field left open, not a value."""
        self._left = dict(values)

    def text(self, name: str, max_length: int) -> str | None:
        """Take 1 to `longest` printable characters."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str) or not 1 <= len(value) <= max_length:
            raise InvalidRequestError(f"{name} must be 1 to {max_length} characters", target=name)
        if not value.isprintable() or "\N{REPLACEMENT CHARACTER}" in value:
            raise InvalidRequestError(f"{name} must be printable characters", target=name)
        return value

    def flag(self, name: str) -> bool | None:
        """Take true or false."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, bool):
            return value
        raise InvalidRequestError(f"{name} must be true or false", target=name)

    def whole(self, name: str, minimum: int, maximum: int) -> int | None:
        """Take a whole number from `least` to `most`."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            message = f"{name} must be a whole number from {minimum} to {maximum}"
            raise InvalidRequestError(message, target=name)
        return value

    def choice(self, name: str, *options: str) -> str | None:
        """Take one of the given words."""
        value = self._left.pop(name, None)
        if value is None or value in options:
            return value if isinstance(value, str) else None
        raise InvalidRequestError(f"{name} must be {' or '.join(options)}", target=name)

    def fields(self, name: str) -> "Fields":
        """Take an object inside this one; absent is empty."""
        value = self._left.pop(name, None)
        if value is None:
            return Fields({})
        if isinstance(value, dict):
            return Fields(value)
        raise InvalidRequestError(f"{name} must be an object", target=name)

    def end(self) -> None:
        """Refuse whatever nobody took."""
        for name in self._left:
            target = name if _SAFE_NAME.fullmatch(name) else None
            raise InvalidRequestError("a field is not one this route knows", target=target)


def read(body: bytes) -> Fields:
    """Read one JSON object."""
    if len(body) > MAX_BYTES:
        raise RequestTooLargeError("a JSON body may have 16 KiB at most")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("the body must be JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return Fields(value)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidRequestError("a field is given twice")
    return values
