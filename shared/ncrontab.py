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


_DAY, _MONTH = _Field(range(1, 32)), _Field(range(1, 13), _MONTHS)
_FIELDS = (
    _Field(range(60)),
    _Field(range(60)),
    _Field(range(24)),
    _DAY,
    _MONTH,
    _Field(range(7), _DAYS),
)
# Of the months, in a leap year.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_ncrontab(text: str) -> bool:
    """Tell whether the platform can read a text as a schedule, and ever runs it."""
    written = text.split()
    if len(written) not in {len(_FIELDS), len(_FIELDS) - 1}:
        return False
    fields = [*zip(written, _FIELDS[-len(written) :], strict=True)]
    is_read = all(_is_item(item, field) for items, field in fields for item in items.split(","))
    return is_read and _has_a_date(written[-3], written[-2])


def _has_a_date(days: str, months: str) -> bool:
    first = min(_numbers(days, _DAY))
    return any(first <= _LENGTHS[month - 1] for month in _numbers(months, _MONTH))


def _is_item(text: str, field: _Field) -> bool:
    match = _ITEM.fullmatch(text)
    if match is None:
        return False
    ends = [_number(word, field) for word in match.groups()[:2] if word is not None]
    return all(end in field.numbers for end in ends) and ends == sorted(ends)


def _numbers(items: str, field: _Field) -> set[int]:
    """List what a field means."""
    numbers = set[int]()
    for item in items.split(","):
        ends, _, step = item.partition("/")
        first, _, last = ends.partition("-")
        start = field.numbers.start if first == "*" else _number(first, field)
        is_one = first != "*" and not (last or step)
        stop = start if is_one else _number(last, field) if last else field.numbers.stop - 1
        numbers |= set(range(start, stop + 1, int(step or 1)))
    return numbers


def _number(word: str, field: _Field) -> int:
    """Read a number or a name; what is neither is -1."""
    if word.isdigit():
        return int(word)
    fits = [name.startswith(word.lower()) for name in field.names]
    known = len(word) >= _MIN_NAME_LENGTH and True in fits
    return field.numbers.start + fits.index(True) if known else -1
