"""Takes from foreign JSON what is usable; whatever is not, is None."""

import json
import math
from collections.abc import Mapping
from enum import StrEnum

_MAX_TEXT_LENGTH = 128


def parse(body: bytes) -> object:
    """Read JSON; what is none is None."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


def mapping(value: object) -> Mapping[str, object]:
    """Take an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object, max_length: int = _MAX_TEXT_LENGTH) -> str | None:
    """Take a printable text of bearable length."""
    usable = isinstance(value, str) and 0 < len(value) <= max_length and value.isprintable()
    return value if usable and isinstance(value, str) else None


def word[Word: StrEnum](value: object, words: type[Word]) -> Word | None:
    """Take one of the known words, as it is spelled."""
    return words(value) if isinstance(value, str) and value in words else None


def int32(value: object) -> int | None:
    """Take a whole number of 32 bits."""
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if usable and isinstance(value, int) else None


def probability(value: object) -> float | None:
    """Take a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 and math.isfinite(value) else None
