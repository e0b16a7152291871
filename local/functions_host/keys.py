"""Who may call what: the keys, and the level that a function asks for. No I/O here."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AuthLevel(StrEnum):
    """What a caller must have."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeys:
    """Every key; `functions` holds the keys that open one function only, by its name."""

    master: str = field(default="local-master-key", repr=False)
    host: tuple[str, ...] = field(default=("local-function-key",), repr=False)
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def allow(self, level: AuthLevel, function: str, key: str | None) -> bool:
        """Decide whether this key opens that function."""
        if level is AuthLevel.ANONYMOUS or self.is_master(key):
            return True
        own = self.functions.get(function, ())
        return level is AuthLevel.FUNCTION and _is_one_of(key, (*self.host, *own))

    def is_host(self, key: str | None) -> bool:
        """Decide whether this is a key that opens every function, but not the host itself."""
        return _is_one_of(key, self.host)

    def is_master(self, key: str | None) -> bool:
        """Decide whether this is the key that opens everything."""
        return _is_one_of(key, (self.master,))


def presented_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """Find the caller's key; the header wins, even when it is wrong or empty."""
    # https://learn.microsoft.com/azure/azure-functions/function-keys-how-to#use-access-keys
    return headers.get("x-functions-key", query.get("code"))


def _is_one_of(key: str | None, keys: Iterable[str]) -> bool:
    # The real host compares keys without regard to letter case.
    given = (key or "").lower().encode()
    return bool(given) and any(hmac.compare_digest(given, each.lower().encode()) for each in keys)
