"""What a setting may be: how its text is read, and what to say when it is wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.secret import Secret

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule[T]:
    """How a setting is read; `parse` raises ValueError when its text is not what it must be."""

    parse: Callable[[str], T]
    must_be: str
    default: T


def number(default: float, *, minimum: float = 0, maximum: float) -> Rule[float]:
    """Want a number within its bounds."""
    return Rule(
        parse=lambda text: _within(float(text), minimum, maximum),
        must_be=f"a number from {minimum} to {maximum}",
        default=default,
    )


def integer(default: int, *, minimum: int = 0, maximum: int) -> Rule[int]:
    """Want a whole number within its bounds."""
    return Rule(
        parse=lambda text: _within(int(text), minimum, maximum),
        must_be=f"a whole number from {minimum} to {maximum}",
        default=default,
    )


def one_of[Word: str](default: Word, options: Iterable[Word]) -> Rule[Word]:
    """Want one of a few words."""
    words = {str(option): option for option in options}
    return Rule(parse=lambda text: _known(text, words), must_be=" or ".join(words), default=default)


def text(default: str) -> Rule[str]:
    """Want any text."""
    return Rule(parse=str, must_be="a text", default=default)


def url() -> Rule[str]:
    """Want the bare address of a service: https, or on this machine http."""
    return Rule(parse=_parse_url, must_be="an https URL", default="")


def connection_string() -> Rule[Secret | None]:
    """Want a text that holds a key."""
    return Rule(parse=Secret, must_be="a connection string", default=None)


def _within[Number: (int, float)](value: Number, minimum: float, maximum: float) -> Number:
    if not minimum <= value <= maximum:
        raise ValueError
    return value


def _known[Word](text: str, words: dict[str, Word]) -> Word:
    if text not in words:
        raise ValueError
    return words[text]


def _parse_url(text: str) -> str:
    url = urlsplit(text)
    # A user, a query or a fragment would bend every path, or carry a password.
    is_bare = bool(url.hostname) and url.port != 0 and not set(text) & set("@?#")
    if not is_bare or not (
        url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
    ):
        raise ValueError
    return text.rstrip("/")
