"""What a setting may be: how its text is read, and what to say when it is wrong."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.ncrontab import is_ncrontab


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule[T]:
    """How a setting is read; `parse` raises ValueError when its text is not what it must be."""

    parse: Callable[[str], T]
    must_be: str
    default: T


def number(default: float, *, minimum: float = 0, maximum: float) -> Rule[float]:
    """Want a number within its bounds."""
    return Rule(
        parse=lambda text: _within(float(_plain(text)), minimum, maximum),
        must_be=f"a number from {minimum} to {maximum}",
        default=default,
    )


def integer(default: int, *, minimum: int = 0, maximum: int) -> Rule[int]:
    """Want a whole number within its bounds."""
    return Rule(
        parse=lambda text: _within(int(_plain(text)), minimum, maximum),
        must_be=f"a whole number from {minimum} to {maximum}",
        default=default,
    )


def optional_number(*, minimum: float = 0, maximum: float) -> Rule[float | None]:
    """Want a number within its bounds, or none."""
    wanted = number(0, minimum=minimum, maximum=maximum)
    return Rule(parse=wanted.parse, must_be=wanted.must_be, default=None)


def one_of[Word: str](default: Word, options: Iterable[Word]) -> Rule[Word]:
    """Want one of a few words."""
    words = {str(option): option for option in options}
    return Rule(
        parse=lambda text: _choose(text, words), must_be=" or ".join(words), default=default
    )


def boolean(*, default: bool) -> Rule[bool]:
    """Want yes or no, as JSON spells it."""
    words = {"true": True, "false": False}
    return Rule(
        parse=lambda text: words[_choose(text, {word: word for word in words})],
        must_be=" or ".join(words),
        default=default,
    )


def matching(pattern: re.Pattern[str], must_be: str, default: str) -> Rule[str]:
    """Want a text of a certain shape."""
    return Rule(parse=lambda text: _match(text, pattern), must_be=must_be, default=default)


def schedule() -> Rule[str]:
    """Want when a timer runs; the host switches a timer off that it cannot read, and goes on."""
    return Rule(parse=_parse_schedule, must_be="NCRONTAB of six fields, seconds first", default="")


def _plain(text: str) -> str:
    # Python reads 1_0 and the digits of other scripts as numbers, too.
    if not text.isascii() or "_" in text:
        raise ValueError
    return text


def _within[Number: (int, float)](value: Number, minimum: float, maximum: float) -> Number:
    if not minimum <= value <= maximum:
        raise ValueError
    return value


def _choose[Word](text: str, words: dict[str, Word]) -> Word:
    if text not in words:
        raise ValueError
    return words[text]


def _match(text: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError
    return text


def _parse_schedule(text: str) -> str:
    if not is_ncrontab(text):
        raise ValueError
    return text
