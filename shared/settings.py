"""The environment to one frozen Settings; names everything that is missing or wrong, at once."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args, get_type_hints

from shared.address_rules import authority, connection_string, endpoint, topic_endpoint
from shared.errors import ConfigurationError
from shared.image_choices import (
    ClientReferenceImage,
    SessionImage,
    VerifyImageHash,
    face_attributes,
)
from shared.name_rules import (
    audience,
    environment_name,
    model_version,
    secret_name,
    tenant_id,
)
from shared.secret import Secret
from shared.setting_rules import Rule, boolean, integer, number, one_of, optional_number, schedule


class FaceAuth(StrEnum):
    """What opens the Face account: its key, or the app's own identity."""

    KEY = "key"
    ENTRA = "entra"


class ServerAuth(StrEnum):
    """What servers and operators come with: a function key, or an Entra access token."""

    KEY = "key"
    ENTRA = "entra"


class DigestPolicy(StrEnum):
    """Whether a check can pass without the device's digest."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that configures the app. A setting's name is its field's, in capitals."""

    face_endpoint: Annotated[str, endpoint()]
    face_auth: Annotated[FaceAuth, one_of(FaceAuth.KEY, FaceAuth)]
    key_vault_url: Annotated[str, endpoint()]
    face_key_secret_name: Annotated[str, secret_name("face-api-key")]
    app_secret_name: Annotated[str, secret_name("app-secret")]
    face_key_cache_seconds: Annotated[float, number(600, maximum=86_400)]
    server_auth: Annotated[ServerAuth, one_of(ServerAuth.KEY, ServerAuth)]
    entra_tenant_id: Annotated[str, tenant_id()]
    entra_audience: Annotated[str, audience()]
    azure_authority_host: Annotated[str, authority("https://login.microsoftonline.com")]
    storage_connection: Annotated[Secret | None, connection_string()]
    table_service_uri: Annotated[str, endpoint()]
    queue_service_uri: Annotated[str, endpoint()]
    events_topic_endpoint: Annotated[str, topic_endpoint()]
    environment_name: Annotated[str, environment_name("local")]
    sweep_schedule: Annotated[str, schedule()]
    session_grace_seconds: Annotated[float, number(300, maximum=86_400)]
    retention_days: Annotated[int, integer(90, minimum=1, maximum=3650)]
    max_token_seconds: Annotated[int, integer(600, minimum=60, maximum=86_400)]
    max_open_sessions: Annotated[int, integer(5, maximum=100)]
    max_starts_per_hour: Annotated[int, integer(20, maximum=1000)]
    allow_creates: Annotated[bool, boolean(default=True)]
    max_failures: Annotated[int, integer(5, maximum=100)]
    min_reference_quality: Annotated[str, one_of("medium", ["low", "medium", "high"])]
    face_model_version: Annotated[str, model_version()]
    verify_confidence_threshold: Annotated[float | None, optional_number(maximum=1)]
    digest_policy: Annotated[DigestPolicy, one_of(DigestPolicy.OPTIONAL, DigestPolicy)]
    verify_confidence_floor: Annotated[float, number(0, maximum=1)]
    verify_image_hash: Annotated[VerifyImageHash, one_of(VerifyImageHash.REQUIRE, VerifyImageHash)]
    client_reference_image: Annotated[
        ClientReferenceImage, one_of(ClientReferenceImage.REFUSE, ClientReferenceImage)
    ]
    reference_max_age_days: Annotated[int, integer(90, minimum=1, maximum=3650)]
    session_image: Annotated[SessionImage, one_of(SessionImage.OFF, SessionImage)]
    session_image_analysis: Annotated[tuple[str, ...], face_attributes()]
    images_blob_endpoint: Annotated[str, endpoint()]
    face_timeout_seconds: Annotated[float, number(5, minimum=0.1, maximum=60)]
    face_budget_seconds: Annotated[float, number(10, minimum=1, maximum=120)]
    store_timeout_seconds: Annotated[float, number(3, minimum=0.1, maximum=60)]
    key_timeout_seconds: Annotated[float, number(3, minimum=0.1, maximum=60)]
    sweep_face_calls_per_second: Annotated[float, number(5, minimum=0.1, maximum=1000)]


_RULES: Mapping[str, Rule[Any]] = {
    field: get_args(hint)[1]
    for field, hint in get_type_hints(Settings, include_extras=True).items()
}
# The platform's own settings are spelled as it spells them.
NAMES: Mapping[str, str] = {field: field.upper() for field in _RULES} | {
    "storage_connection": "AzureWebJobsStorage",
    "table_service_uri": "AzureWebJobsStorage__tableServiceUri",
    "queue_service_uri": "AzureWebJobsStorage__queueServiceUri",
}
_ENVIRONMENT, _IDENTITY = "AZURE_FUNCTIONS_ENVIRONMENT", "IDENTITY_HEADER"
# What belongs to a laptop only, beside plain http.
_AZURITE = re.compile(r"=\s*http\s*(:|;|$)|devstoreaccount1|UseDevelopmentStorage", re.IGNORECASE)
_LOCAL_IDENTITY = "local-identity-header"
# Such an endpoint takes no token: https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains
_REGIONAL = ".api.cognitive."


def load() -> Settings:
    """Read the process's environment."""
    return from_environment(os.environ)


def load_server_auth() -> ServerAuth:
    """Say what servers come with before there are Settings; whatever is wrong opens nothing."""
    text = os.environ.get("SERVER_AUTH", "").strip()
    return ServerAuth.ENTRA if text == ServerAuth.ENTRA else ServerAuth.KEY


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Check every setting, then build; ConfigurationError lists all that is wrong."""
    names = (*NAMES.values(), _ENVIRONMENT, _IDENTITY)
    given = {name: text for name in names if (text := environment.get(name, "").strip())}
    problems = [f"{name} is missing" for name in _must_be_given(given) if name not in given]
    values: dict[str, Any] = {field: _read(field, given, problems) for field in _RULES}
    settings = Settings(**values)
    problems += _contradictions(settings)
    if given.get(_ENVIRONMENT) != "Development":
        problems += _laptop_only(settings, given)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _must_be_given(given: Mapping[str, str]) -> Iterator[str]:
    yield from ("FACE_ENDPOINT", "KEY_VAULT_URL", "SWEEP_SCHEDULE")
    if given.get("SERVER_AUTH") == ServerAuth.ENTRA:
        yield from ("ENTRA_TENANT_ID", "ENTRA_AUDIENCE")
    if "AzureWebJobsStorage" not in given:
        yield from ("AzureWebJobsStorage__tableServiceUri", "AzureWebJobsStorage__queueServiceUri")
        if given.get("SESSION_IMAGE") in {SessionImage.ALLOW, SessionImage.ALWAYS}:
            yield "IMAGES_BLOB_ENDPOINT"


def _read(field: str, given: Mapping[str, str], problems: list[str]) -> object:
    name, rule = NAMES[field], _RULES[field]
    try:
        return rule.parse(given[name]) if name in given else rule.default
    except ValueError:
        problems.append(f"{name} must be {rule.must_be}")
        return rule.default


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.app_secret_name.lower() == settings.face_key_secret_name.lower():
        # To a vault names are the same in any case. And the key is rotated, the other never may be.
        yield "APP_SECRET_NAME must be another than FACE_KEY_SECRET_NAME"
    if settings.face_auth is FaceAuth.ENTRA and _REGIONAL in settings.face_endpoint.lower():
        yield "FACE_ENDPOINT must be the account's own, not its region's, with FACE_AUTH=entra"


def _laptop_only(settings: Settings, given: Mapping[str, str]) -> Iterator[str]:
    for field, name in NAMES.items():
        if str(getattr(settings, field)).lower().startswith("http:"):
            yield f"{name} must be {_RULES[field].must_be}"
    if settings.storage_connection and _AZURITE.search(settings.storage_connection.reveal()):
        yield "AzureWebJobsStorage must be a real storage account's, by https"
    if given.get(_IDENTITY) == _LOCAL_IDENTITY:
        yield f"{_IDENTITY} is the local stack's"
