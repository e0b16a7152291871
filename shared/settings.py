"""The environment to one frozen Settings; names everything that is missing or wrong, at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from shared.errors import ConfigurationError
from shared.secret import Secret

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# What belongs to a laptop only: plain http, Azurite's account, and the local identity's header.
_EMULATOR = re.compile(r"=\s*http\s*(:|;|$)|devstoreaccount1|UseDevelopmentStorage", re.IGNORECASE)
_LOCAL_IDENTITY = "local-identity-header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that configures the app."""

    face_endpoint: str
    face_by_entra: bool
    key_vault_url: str
    face_key_secret_name: str
    face_key_cache: timedelta
    storage: Secret | str = field(repr=False)
    session_grace: timedelta
    retention: timedelta
    max_token_seconds: int
    max_open_sessions: int
    min_reference_quality: str
    digest_required: bool
    verify_confidence_floor: float
    verify_image_hash_required: bool
    face_timeout_seconds: float
    face_budget_seconds: float
    store_timeout_seconds: float
    key_timeout_seconds: float
    sweep_face_calls_per_second: float


def load() -> Settings:
    """Read the process's environment."""
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Check every setting, then build; ConfigurationError lists all that is wrong."""
    read = _Reader(environment)
    by_entra = read.choice("FACE_AUTH", "key", "entra") == "entra"
    settings = Settings(
        face_endpoint=read.url("FACE_ENDPOINT"),
        face_by_entra=by_entra,
        key_vault_url="" if by_entra else read.url("KEY_VAULT_URL"),
        face_key_secret_name=read.text("FACE_KEY_SECRET_NAME", default="face-api-key"),
        face_key_cache=timedelta(seconds=read.number("FACE_KEY_CACHE_SECONDS", 600, 0, 86_400)),
        storage=read.storage(),
        session_grace=timedelta(seconds=read.number("SESSION_GRACE_SECONDS", 300, 0, 86_400)),
        retention=timedelta(days=read.number("RETENTION_DAYS", 90, 0, 3650)),
        max_token_seconds=int(read.number("MAX_TOKEN_SECONDS", 600, 60, 86_400, whole=True)),
        max_open_sessions=int(read.number("MAX_OPEN_SESSIONS", 5, 0, 1000, whole=True)),
        min_reference_quality=read.choice("MIN_REFERENCE_QUALITY", "medium", "low", "high"),
        digest_required=read.choice("DIGEST_POLICY", "optional", "required") == "required",
        verify_confidence_floor=read.number("VERIFY_CONFIDENCE_FLOOR", 0, 0, 1),
        verify_image_hash_required=read.choice("VERIFY_IMAGE_HASH", "require", "record")
        == "require",
        face_timeout_seconds=read.number("FACE_TIMEOUT_SECONDS", 5, 0.1, 60),
        face_budget_seconds=read.number("FACE_BUDGET_SECONDS", 10, 1, 120),
        store_timeout_seconds=read.number("STORE_TIMEOUT_SECONDS", 3, 0.1, 60),
        key_timeout_seconds=read.number("KEY_TIMEOUT_SECONDS", 3, 0.1, 60),
        sweep_face_calls_per_second=read.number("SWEEP_FACE_CALLS_PER_SECOND", 5, 0.1, 1000),
    )
    read.end()
    return settings


class _Reader:
    """Reads one setting after the other and remembers every problem."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []
        self._development = environment.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._environment.get(name, "").strip() or default
        if value is None:
            self._problems.append(f"{name} is missing")
        return value or ""

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and not self._is_safe_url(value):
            self._problems.append(f"{name} must be an https URL")
        return value.rstrip("/")

    def storage(self) -> Secret | str:
        """Read where the table is: a connection string, or a URL that an identity opens."""
        connection = self.text("AzureWebJobsStorage", default="")
        if not connection:
            return self.url("AzureWebJobsStorage__tableServiceUri")
        if not self._development and _EMULATOR.search(connection):
            self._problems.append("AzureWebJobsStorage must be a real storage account's, by https")
        return Secret(connection)

    def number(
        self, name: str, default: float, minimum: float, maximum: float, *, whole: bool = False
    ) -> float:
        text = self.text(name, default=str(default))
        try:
            value: float = int(text) if whole else float(text)
        except ValueError:
            value = float("nan")
        if minimum <= value <= maximum:
            return value
        self._problems.append(f"{name} must be a number from {minimum} to {maximum}")
        return minimum

    def choice(self, name: str, default: str, *others: str) -> str:
        value = self.text(name, default=default)
        if value not in (default, *others):
            self._problems.append(f"{name} must be {' or '.join((default, *others))}")
        return value

    def end(self) -> None:
        if not self._development and self._environment.get("IDENTITY_HEADER") == _LOCAL_IDENTITY:
            self._problems.append("IDENTITY_HEADER is the local stack's")
        if self._problems:
            raise ConfigurationError(self._problems)

    def _is_safe_url(self, value: str) -> bool:
        try:
            url = urlsplit(value)
            loopback = url.port != 0 and url.hostname in _LOOPBACK
        except ValueError:
            return False
        plain_is_fine = url.scheme == "http" and loopback and self._development
        bare = not set(value) & set("@?#")
        return bool(url.hostname) and bare and (url.scheme == "https" or plain_is_fine)
