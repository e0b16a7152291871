"""What a setting may be that says where something is: an address, or a connection string."""

import re

from shared.secret import Secret
from shared.setting_rules import Rule

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


def authority(default: str) -> Rule[str]:
    """Want the address of Entra, which azure-identity takes without https:// too."""
    return Rule(
        parse=lambda text: _parse_endpoint(text if "://" in text else f"https://{text}"),
        must_be="https://, a host's name and nothing after it",
        default=default,
    )


def connection_string() -> Rule[Secret | None]:
    """Want a text that names an account and what opens it."""
    return Rule(
        parse=_parse_connection,
        must_be="a connection string, with AccountName and AccountKey",
        default=None,
    )


def _parse_connection(text: str) -> Secret:
    # https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    parts = dict(part.split("=", 1) for part in text.strip(";").split(";"))
    names = {name.lower() for name, value in parts.items() if value}
    ways_in = ({"accountname", "accountkey"}, {"sharedaccesssignature"}, {"usedevelopmentstorage"})
    if not any(needed <= names for needed in ways_in):
        raise ValueError
    return Secret(text)


def _parse_endpoint(text: str) -> str:
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        raise ValueError
    is_safe = match["scheme"].lower() == "https" or match["host"].lower() in _LOOPBACK
    if not is_safe or not 0 < int(match["port"] or 443) <= _MAX_PORT:
        raise ValueError
    return text.rstrip("/")


def _parse_topic_endpoint(text: str) -> str:
    endpoint = _parse_endpoint(text.removesuffix(_TOPIC_PATH))
    if endpoint + _TOPIC_PATH != text or not text.lower().startswith("https:"):
        raise ValueError
    return text
