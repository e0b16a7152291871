"""What a binding may ask of the app's settings: `%NAME%` and the name of a connection."""

import re
from collections.abc import Mapping

from azure.core.utils import parse_connection_string

from local.functions_host.start_error import IndexingError

_PLACEHOLDER = re.compile(r"%([^%]+)%")


def expand(text: str, settings: Mapping[str, str]) -> str:
    """Replace every `%NAME%` by that setting; an undefined one is an error."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise IndexingError(f"'%{found[1]}%' does not resolve: there is no such setting")
        return settings[found[1]]

    return _PLACEHOLDER.sub(value, text)


def connection_string(name: str, settings: Mapping[str, str]) -> str:
    """Find a connection by its setting's name; the prefix `AzureWebJobs` may be left out."""
    for candidate in (f"AzureWebJobs{name}", name):
        if settings.get(candidate):
            return _checked(candidate, settings[candidate])
    raise IndexingError(f"connection '{name}' is undefined: no setting holds its string")


def _checked(name: str, text: str) -> str:
    try:
        parts = parse_connection_string(text)
    except ValueError as error:
        raise IndexingError(f"{name} is no connection string") from error
    if not ({"accountname", "accountkey"} <= set(parts) or "sharedaccesssignature" in parts):
        raise IndexingError(f"{name} is no connection string of a storage account with its key")
    return text


def is_on(name: str, settings: Mapping[str, str]) -> bool:
    """Read a switch as the host does: `true` in any case, or `1`."""
    return settings.get(name, "").strip().lower() in {"true", "1"}
