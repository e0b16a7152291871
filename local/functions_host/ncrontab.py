"""NCRONTAB: six fields, seconds first. Strict about the text; croniter finds the times.

https://github.com/atifaziz/NCrontab/wiki/Crontab-Expression
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from croniter import CroniterError, croniter  # type: ignore[import-untyped] # ships no types

from local.functions_host.start_error import IndexingError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NAMES = {
    "month": {name: str(number) for number, name in enumerate(_MONTHS, 1)},
    "day of the week": {name: str(number) for number, name in enumerate(_DAYS)},
}
_FIELDS = {
    "second": range(60),
    "minute": range(60),
    "hour": range(24),
    "day": range(1, 32),
    "month": range(1, 13),
    "day of the week": range(7),
}
_ITEM = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
_WORD = re.compile(r"[A-Za-z]{3,}")
_OCCURRENCES_LOOKED_AT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ncrontab:
    """A schedule that has been checked."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        """Find the first occurrence later than this one, in UTC."""
        # day_or: NCRONTAB wants the day and the day of the week both to fit, cron either.
        times = croniter(self.expression, moment, datetime, day_or=False, second_at_beginning=True)
        found: datetime = times.get_next()
        return found

    def is_within_a_minute(self, now: datetime) -> bool:
        """Tell whether it ticks more often than once a minute."""
        times = [now]
        for _ in range(_OCCURRENCES_LOOKED_AT):
            times.append(self.next_after(times[-1]))
        gaps = (later - earlier for earlier, later in pairwise(times[1:]))
        return min(gaps) < timedelta(minutes=1)


def parse_ncrontab(text: str, now: datetime) -> Ncrontab:
    """Check a schedule; five fields mean second 0. One that never occurs is an error."""
    fields = text.split()
    fields = ["0", *fields] if len(fields) == len(_FIELDS) - 1 else fields
    if len(fields) != len(_FIELDS):
        raise IndexingError(f"schedule '{text}' must have six fields, seconds first")
    numbers = [_checked(field, name) for field, name in zip(fields, _FIELDS, strict=True)]
    schedule = Ncrontab(expression=" ".join(numbers))
    try:
        schedule.next_after(now)
    except CroniterError as refused:
        raise IndexingError(f"schedule '{text}' never occurs: {refused}") from refused
    return schedule


def _checked(field: str, name: str) -> str:
    numbers = _NAMES.get(name, {})
    items = _WORD.sub(lambda word: numbers.get(word[0][:3].lower(), word[0]), field).split(",")
    if not all(_is_item(item, _FIELDS[name]) for item in items):
        raise IndexingError(f"schedule: '{field}' is no value for the {name}")
    return ",".join(items)


def _is_item(item: str, allowed: range) -> bool:
    found = _ITEM.fullmatch(item)
    if found is None:
        return False
    first, last, step = (None if part is None else int(part) for part in found.groups())
    ends = [end for end in (first, last) if end is not None]
    return all(end in allowed for end in ends) and ends == sorted(ends) and step != 0
