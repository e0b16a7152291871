"""NCRONTAB, the language of timers: six fields, seconds first, or five without the seconds.

https://github.com/atifaziz/NCrontab/wiki/Crontab-Expression
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MIN_NAME_LENGTH = 3
_ITEM = re.compile(r"(?:\*|(\w{1,9})(?:-(\w{1,9}))?)(?:/([1-9]\d?))?", re.ASCII)


class _Field(NamedTuple):
    numbers: range
    names: Sequence[str] = ()


_FIELDS = (
    _Field(range(60)),
    _Field(range(60)),
    _Field(range(24)),
    _Field(range(1, 32)),
    _Field(range(1, 13), _MONTHS),
    _Field(range(7), _DAYS),
)


def is_ncrontab(text: str) -> bool:
    """Tell whether the platform can read a text as a schedule."""
    written = text.split()
    if len(written) not in {len(_FIELDS), len(_FIELDS) - 1}:
        return False
    fields = zip(written, _FIELDS[-len(written) :], strict=True)
    return all(_is_item(item, field) for items, field in fields for item in items.split(","))


def _is_item(text: str, field: _Field) -> bool:
    match = _ITEM.fullmatch(text)
    if match is None:
        return False
    ends = [_number(word, field) for word in match.groups()[:2] if word is not None]
    return all(end in field.numbers for end in ends) and ends == sorted(ends)


def _number(word: str, field: _Field) -> int:
    """Read a number or a name; what is neither is -1."""
    if word.isdigit():
        return int(word)
    fits = [name.startswith(word.lower()) for name in field.names]
    known = len(word) >= _MIN_NAME_LENGTH and True in fits
    return field.numbers.start + fits.index(True) if known else -1
