"""What a setting may be: how its text is read, and what to say when it is wrong."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.ncrontab import is_ncrontab
from shared.secret import Secret

_LOOPBACK = {"127.0.0.1", "localhost"}
_MAX_PORT = 65_535
# https://learn.microsoft.com/azure/event-grid/post-to-custom-topic#endpoint
_TOPIC_PATH = "/api/events"
# Of https://datatracker.ietf.org/doc/html/rfc1123#section-2.1. A path, a user or a query would
# bend every call.
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ENDPOINT = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?/*",
    re.ASCII | re.IGNORECASE,
)
# What azd takes, too, and what may stand in a path as it is:
# https://datatracker.ietf.org/doc/html/rfc3986#section-3.3
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9._()-]{1,64}", re.ASCII)
# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
_SECRET_NAME = re.compile("[A-Za-z0-9-]{1,127}", re.ASCII)
_MODEL_VERSION = re.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)
_GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TENANT_ID = re.compile(_GUID, re.ASCII | re.IGNORECASE)
# A client id, or an App ID URI: https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions
# Only the scope that a token is asked for by ends in /.default, never the audience in the token.
_AUDIENCE = re.compile(
    rf"{_GUID}|(?!.*/\.default$)[a-z][a-z0-9+.-]*:/*[!-.0-;=?-z~][!-;=?-z~]{{0,254}}",
    re.ASCII | re.IGNORECASE,
)


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


def model_version() -> Rule[str]:
    """Want the name of one of Face's models, which Face lists nowhere for good."""
    return Rule(
        parse=lambda text: _match(text, _MODEL_VERSION).group(),
        must_be="1 to 64 letters, digits, dots and hyphens, such as 2024-11-15",
        default="",
    )


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


def endpoint() -> Rule[str]:
    """Want the bare address of a service: by https, or on this machine by http."""
    return Rule(
        parse=_parse_endpoint, must_be="https://, a host's name and nothing after it", default=""
    )


def topic_endpoint() -> Rule[str]:
    """Want the address of an Event Grid topic, path and all; tokens go there by https only."""
    return Rule(
        parse=_parse_topic_endpoint,
        must_be=f"https://, a host's name and {_TOPIC_PATH}",
        default="",
    )


def environment_name(default: str) -> Rule[str]:
    """Want a name that can be a part of a path."""
    return Rule(
        parse=lambda text: _match(text, _ENVIRONMENT_NAME).group(),
        must_be="1 to 64 letters, digits, dots, hyphens, underscores and parentheses",
        default=default,
    )


def secret_name(default: str) -> Rule[str]:
    """Want the name of a secret in a vault."""
    return Rule(
        parse=lambda text: _match(text, _SECRET_NAME).group(),
        must_be="1 to 127 letters, digits and hyphens",
        default=default,
    )


def tenant_id() -> Rule[str]:
    """Want a tenant by its id: a domain's name is not in tokens."""
    return Rule(
        parse=lambda text: _match(text, _TENANT_ID).group().lower(), must_be="a GUID", default=""
    )


def audience() -> Rule[str]:
    """Want whom tokens are for, as they say it themselves."""
    return Rule(
        parse=lambda text: _match(text, _AUDIENCE).group(),
        must_be="the app's client id, or its URI without /.default",
        default="",
    )


def authority(default: str) -> Rule[str]:
    """Want the address of Entra, which azure-identity takes without https:// too."""
    return Rule(
        parse=lambda text: _parse_endpoint(text if "://" in text else f"https://{text}"),
        must_be="https://, a host's name and nothing after it",
        default=default,
    )


def schedule() -> Rule[str]:
    """Want when a timer runs; the host switches a timer off that it cannot read, and goes on."""
    return Rule(parse=_parse_schedule, must_be="NCRONTAB of six fields, seconds first", default="")


def connection_string() -> Rule[Secret | None]:
    """Want a text that names an account and what opens it."""
    return Rule(
        parse=_parse_connection,
        must_be="a connection string, with AccountName and AccountKey",
        default=None,
    )


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


def _match(text: str, pattern: re.Pattern[str]) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError
    return match


def _parse_schedule(text: str) -> str:
    if not is_ncrontab(text):
        raise ValueError
    return text


def _parse_connection(text: str) -> Secret:
    # https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    parts = dict(part.split("=", 1) for part in text.strip(";").split(";"))
    names = {name.lower() for name, value in parts.items() if value}
    ways_in = ({"accountname", "accountkey"}, {"sharedaccesssignature"}, {"usedevelopmentstorage"})
    if not any(needed <= names for needed in ways_in):
        raise ValueError
    return Secret(text)


def _parse_endpoint(text: str) -> str:
    match = _match(text, _ENDPOINT)
    is_safe = match["scheme"].lower() == "https" or match["host"].lower() in _LOOPBACK
    if not is_safe or not 0 < int(match["port"] or 443) <= _MAX_PORT:
        raise ValueError
    return text.rstrip("/")


def _parse_topic_endpoint(text: str) -> str:
    endpoint = _parse_endpoint(text.removesuffix(_TOPIC_PATH))
    if endpoint + _TOPIC_PATH != text or not text.lower().startswith("https:"):
        raise ValueError
    return text
