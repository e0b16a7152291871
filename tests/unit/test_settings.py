import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared import settings
from shared.errors import ConfigurationError
from shared.image_choices import ClientReferenceImage, SessionImage, VerifyImageHash
from shared.secret import Secret
from shared.session.face_answer import Quality
from shared.settings import DigestPolicy, FaceAuth, ServerAuth, Settings

STORAGE = (
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==;EndpointSuffix=core.windows.net"
)
TOPIC = "https://topic.test/api/events"
MIN = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": STORAGE,
    "SWEEP_SCHEDULE": "0 * * * * *",
}
# What takes the place of a connection string.
BY_IDENTITY = ("AzureWebJobsStorage__tableServiceUri", "AzureWebJobsStorage__queueServiceUri")
DEFAULTS = Settings(
    face_endpoint="https://face.test",
    face_auth=FaceAuth.KEY,
    key_vault_url="https://vault.test",
    face_key_secret_name="face-api-key",
    app_secret_name="app-secret",
    face_key_cache_seconds=600,
    server_auth=ServerAuth.KEY,
    entra_tenant_id="",
    entra_audience="",
    azure_authority_host="https://login.microsoftonline.com",
    storage_connection=Secret(STORAGE),
    table_service_uri="",
    queue_service_uri="",
    events_topic_endpoint="",
    environment_name="local",
    sweep_schedule="0 * * * * *",
    session_grace_seconds=300,
    retention_days=90,
    max_token_seconds=600,
    max_open_sessions=5,
    max_starts_per_hour=20,
    max_failures=5,
    min_reference_quality="medium",
    allow_creates=True,
    face_model_version="",
    verify_confidence_threshold=None,
    digest_policy=DigestPolicy.OPTIONAL,
    verify_confidence_floor=0,
    verify_image_hash=VerifyImageHash.REQUIRE,
    client_reference_image=ClientReferenceImage.REFUSE,
    reference_max_age_days=90,
    session_image=SessionImage.OFF,
    session_image_analysis=(),
    images_blob_endpoint="",
    face_timeout_seconds=5,
    face_budget_seconds=10,
    store_timeout_seconds=3,
    key_timeout_seconds=3,
    sweep_face_calls_per_second=5,
)


GUID = "0a1b2c3d-1111-2222-3333-444455556666"


def load(**changes: str) -> Settings:
    return settings.from_environment({**MIN, **changes})


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        settings.from_environment(environment)
    return caught.value.problems


def test_four_settings_are_enough() -> None:
    assert load() == DEFAULTS


@pytest.mark.parametrize("name", sorted(MIN))
@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_a_setting_that_is_empty_is_missing(name: str, value: str) -> None:
    missing = BY_IDENTITY if name == "AzureWebJobsStorage" else (name,)

    assert problems_of({**MIN, name: value}) == tuple(f"{each} is missing" for each in missing)


def test_a_setting_is_named_as_its_field_in_capitals_unless_it_is_the_platforms() -> None:
    fields = {one.name: one.name.upper() for one in dataclasses.fields(Settings)}

    assert (
        fields
        | {
            "storage_connection": "AzureWebJobsStorage",
            "table_service_uri": "AzureWebJobsStorage__tableServiceUri",
            "queue_service_uri": "AzureWebJobsStorage__queueServiceUri",
        }
        == settings.NAMES
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FACE_ENDPOINT", "https://face.test/", "https://face.test"),
        ("FACE_ENDPOINT", " https://face.test// ", "https://face.test"),
        ("KEY_VAULT_URL", "https://vault.test/", "https://vault.test"),
        ("FACE_AUTH", "entra", FaceAuth.ENTRA),
        ("FACE_KEY_SECRET_NAME", "other", "other"),
        ("APP_SECRET_NAME", "other", "other"),
        ("FACE_KEY_CACHE_SECONDS", "0", 0),
        ("FACE_KEY_CACHE_SECONDS", "86400", 86_400),
        ("ENTRA_TENANT_ID", GUID.upper(), GUID),
        ("ENTRA_AUDIENCE", GUID, GUID),
        ("ENTRA_AUDIENCE", "api://face-liveness", "api://face-liveness"),
        ("ENTRA_AUDIENCE", "https://liveness.example/", "https://liveness.example/"),
        ("AZURE_AUTHORITY_HOST", "login.microsoftonline.us", "https://login.microsoftonline.us"),
        ("AZURE_AUTHORITY_HOST", "https://login.test/", "https://login.test"),
        ("EVENTS_TOPIC_ENDPOINT", TOPIC, TOPIC),
        ("ENVIRONMENT_NAME", "production", "production"),
        ("SWEEP_SCHEDULE", "*/30 * * * * *", "*/30 * * * * *"),
        ("SESSION_GRACE_SECONDS", "0", 0),
        ("SESSION_GRACE_SECONDS", "86400", 86_400),
        ("RETENTION_DAYS", "1", 1),
        ("RETENTION_DAYS", "3650", 3650),
        ("MAX_TOKEN_SECONDS", "60", 60),
        ("MAX_TOKEN_SECONDS", "86400", 86_400),
        ("MAX_OPEN_SESSIONS", "0", 0),
        ("MAX_OPEN_SESSIONS", "100", 100),
        ("MAX_STARTS_PER_HOUR", "0", 0),
        ("MAX_STARTS_PER_HOUR", "1000", 1000),
        ("ALLOW_CREATES", "false", False),
        ("MAX_FAILURES", "0", 0),
        ("MAX_FAILURES", "100", 100),
        ("MIN_REFERENCE_QUALITY", "high", "high"),
        ("DIGEST_POLICY", "required", DigestPolicy.REQUIRED),
        ("FACE_MODEL_VERSION", " 2024-11-15 ", "2024-11-15"),
        ("VERIFY_CONFIDENCE_THRESHOLD", "0", 0),
        ("VERIFY_CONFIDENCE_THRESHOLD", "0.8", 0.8),
        ("VERIFY_CONFIDENCE_FLOOR", "1", 1),
        ("VERIFY_CONFIDENCE_FLOOR", " 0.75", 0.75),
        ("VERIFY_IMAGE_HASH", "record", VerifyImageHash.RECORD),
        ("CLIENT_REFERENCE_IMAGE", "allow", ClientReferenceImage.ALLOW),
        ("REFERENCE_MAX_AGE_DAYS", "1", 1),
        ("REFERENCE_MAX_AGE_DAYS", "3650", 3650),
        ("SESSION_IMAGE", "allow", SessionImage.ALLOW),
        ("SESSION_IMAGE", "always", SessionImage.ALWAYS),
        ("SESSION_IMAGE_ANALYSIS", "blur , mask", ("blur", "mask")),
        ("IMAGES_BLOB_ENDPOINT", "https://images.test/", "https://images.test"),
        ("FACE_TIMEOUT_SECONDS", "0.1", 0.1),
        ("FACE_TIMEOUT_SECONDS", "60", 60),
        ("FACE_BUDGET_SECONDS", "1", 1),
        ("FACE_BUDGET_SECONDS", "120", 120),
        ("STORE_TIMEOUT_SECONDS", "0.1", 0.1),
        ("STORE_TIMEOUT_SECONDS", "60", 60),
        ("KEY_TIMEOUT_SECONDS", "0.1", 0.1),
        ("KEY_TIMEOUT_SECONDS", "60", 60),
        ("SWEEP_FACE_CALLS_PER_SECOND", "0.1", 0.1),
        ("SWEEP_FACE_CALLS_PER_SECOND", "1000", 1000),
    ],
)
def test_each_setting_has_its_field(name: str, value: str, expected: Any) -> None:  # noqa: ANN401
    changed: dict[str, Any] = {name.lower(): expected}

    assert load(**{name: value}) == replace(DEFAULTS, **changed)


def test_every_quality_that_face_knows_may_be_wanted() -> None:
    assert [load(MIN_REFERENCE_QUALITY=one).min_reference_quality for one in Quality] == [*Quality]


@pytest.mark.parametrize("name", sorted(set(settings.NAMES.values()) - set(MIN)))
def test_a_setting_that_is_empty_has_its_default(name: str) -> None:
    assert load(**{name: ""}) == load(**{name: "  "}) == DEFAULTS


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("FACE_ENDPOINT", ["https://face.test/face/v1.2", "http://face.test", "face.test"]),
        ("KEY_VAULT_URL", ["https://vault.test/secrets/x", "http://vault.test", "vault.test"]),
        (
            "AzureWebJobsStorage",
            ["garbage", "=;=", "AccountName=x", "AccountName=x;AccountKey=", "https://x.test/?a=b"],
        ),
        (
            "AzureWebJobsStorage__tableServiceUri",
            ["https://x.table.test/LivenessSessions", "http://x.table.test", "x.table.test"],
        ),
        (
            "AzureWebJobsStorage__queueServiceUri",
            ["https://x.queue.test/liveness-completions", "http://x.queue.test", "x.queue.test"],
        ),
        ("FACE_KEY_SECRET_NAME", ["face_api_key", "https://vault.test/secrets/x", "x" * 128]),
        ("APP_SECRET_NAME", ["app_secret", "https://vault.test/secrets/x", "x" * 128]),
        ("APP_SECRET_NAME", ["face-api-key", "Face-API-Key"]),
        ("SERVER_AUTH", ["Entra", "token", "none", "keys"]),
        (
            "ENTRA_TENANT_ID",
            ["contoso.onmicrosoft.com", "common", f"{{{GUID}}}", f"{GUID}/", "<id>"],
        ),
        (
            "ENTRA_AUDIENCE",
            ["face-liveness", "api://x/.default", "api://face liveness", "api://<id>", "api://"],
        ),
        (
            "AZURE_AUTHORITY_HOST",
            ["https://login.test/common", "http://login.test", "a b", "x://y"],
        ),
        ("FACE_KEY_CACHE_SECONDS", ["-1", "86401", "ten", "nan", "inf", "1e999", "0x10"]),
        (
            "EVENTS_TOPIC_ENDPOINT",
            ["https://topic.test", f"{TOPIC}?x", "http://127.0.0.1/api/events"],
        ),
        ("ENVIRONMENT_NAME", ["a b", "x" * 65, "prod/eu"]),
        ("SWEEP_SCHEDULE", ["* * * *", "60 * * * * *", "%SWEEP_SCHEDULE%", "0 0 0 31 2 *"]),
        ("SESSION_GRACE_SECONDS", ["-1", "86401", "five", "nan", "-inf"]),
        ("RETENTION_DAYS", ["0", "0.5", "90.0", "3651", "ever", "nan", "1e300", "1_0", "\u0663"]),
        ("MAX_TOKEN_SECONDS", ["59", "86401", "600.0", "nan", "many", "9" * 5000]),
        ("MAX_OPEN_SESSIONS", ["-1", "101", "5.0", "nan", "any"]),
        ("MAX_STARTS_PER_HOUR", ["-1", "1001", "2.5"]),
        ("ALLOW_CREATES", ["no", "0", "False"]),
        ("MAX_FAILURES", ["-1", "101", "five"]),
        ("MIN_REFERENCE_QUALITY", ["Medium", "best", "0"]),
        ("FACE_AUTH", ["Entra", "none", "keys"]),
        ("FACE_BUDGET_SECONDS", ["0.9", "120.1", "x", "nan"]),
        ("SWEEP_FACE_CALLS_PER_SECOND", ["0", "-1", "1001", "x", "nan", "inf"]),
        ("DIGEST_POLICY", ["Required", "yes"]),
        ("FACE_MODEL_VERSION", ["2024 11 15", "-latest", "é", "a" * 65]),
        ("VERIFY_CONFIDENCE_THRESHOLD", ["-0.1", "1.1", "0,5", "high"]),
        ("VERIFY_CONFIDENCE_FLOOR", ["-0.1", "1.1", "0,5", "nan"]),
        ("VERIFY_IMAGE_HASH", ["Record", "no"]),
        ("CLIENT_REFERENCE_IMAGE", ["Allow", "always", "true"]),
        ("REFERENCE_MAX_AGE_DAYS", ["0", "1.5", "3651", "ever"]),
        ("SESSION_IMAGE", ["on", "Always", "true"]),
        ("SESSION_IMAGE_ANALYSIS", ["mask, glasses", "age", "Mask"]),
        (
            "IMAGES_BLOB_ENDPOINT",
            ["https://x.blob.test/session-images", "http://x.blob.test", "x.blob.test"],
        ),
        ("FACE_TIMEOUT_SECONDS", ["0", "60.1", "x", "nan"]),
        ("STORE_TIMEOUT_SECONDS", ["0", "60.1", "x", "nan"]),
        ("KEY_TIMEOUT_SECONDS", ["0", "60.1", "x", "nan"]),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    name: str, values: list[str]
) -> None:
    for value in values:
        (problem,) = problems_of({**MIN, name: value})

        assert problem.startswith(f"{name} ")
        assert len(problem) < 100


def test_everything_that_is_wrong_is_named_at_once() -> None:
    problems = problems_of(
        {
            "KEY_VAULT_URL": "http://vault.test",
            "DIGEST_POLICY": "maybe",
            "FACE_TIMEOUT_SECONDS": "soon",
            "VERIFY_CONFIDENCE_FLOOR": "2",
        }
    )

    assert [problem.partition(" ")[0] for problem in problems] == [
        "FACE_ENDPOINT",
        "SWEEP_SCHEDULE",
        *BY_IDENTITY,
        "KEY_VAULT_URL",
        "DIGEST_POLICY",
        "VERIFY_CONFIDENCE_FLOOR",
        "FACE_TIMEOUT_SECONDS",
    ]


@pytest.mark.parametrize("name", ["FACE_ENDPOINT", "KEY_VAULT_URL"])
@pytest.mark.parametrize("host", ["127.0.0.1:7072", "localhost", "LOCALHOST:1"])
def test_plain_http_is_for_this_machine_in_development_only(name: str, host: str) -> None:
    local = {name: f"http://{host}", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    changed: dict[str, Any] = {name.lower(): f"http://{host}"}

    assert load(**local) == replace(DEFAULTS, **changed)
    for environment in ("Production", "development", ""):
        (problem,) = problems_of({**MIN, **local, "AZURE_FUNCTIONS_ENVIRONMENT": environment})
        assert problem.startswith(f"{name} must be https://")


@pytest.mark.parametrize(
    "host", ["WestEurope.api.cognitive.microsoft.com", "x.api.cognitive.azure.cn"]
)
def test_the_endpoint_of_a_region_takes_keys_and_no_tokens(host: str) -> None:
    regional = {**MIN, "FACE_ENDPOINT": f"https://{host}"}

    assert settings.from_environment(regional).face_endpoint == f"https://{host}"
    (problem,) = problems_of({**regional, "FACE_AUTH": "entra"})
    assert problem.startswith("FACE_ENDPOINT must be the account's own")


def test_storage_may_be_reached_by_identity() -> None:
    table, queue = "https://x.table.core.windows.net", "https://x.queue.core.windows.net"
    loaded = load(
        AzureWebJobsStorage="",
        AzureWebJobsStorage__tableServiceUri=f"{table}/",
        AzureWebJobsStorage__queueServiceUri=queue,
    )

    assert loaded == replace(
        DEFAULTS,
        storage_connection=None,
        table_service_uri=table,
        queue_service_uri=queue,
    )


@pytest.mark.parametrize("choice", ["allow", "always"])
def test_pictures_that_are_kept_by_identity_need_a_place(choice: str) -> None:
    by_identity = {
        **MIN,
        "AzureWebJobsStorage": "",
        "AzureWebJobsStorage__tableServiceUri": "https://x.table.test",
        "AzureWebJobsStorage__queueServiceUri": "https://x.queue.test",
    }
    keeping = {**by_identity, "SESSION_IMAGE": choice}
    settings.from_environment({**by_identity, "SESSION_IMAGE": "off"})
    settings.from_environment({**MIN, "SESSION_IMAGE": choice})
    settings.from_environment({**keeping, "IMAGES_BLOB_ENDPOINT": "https://x.blob.test"})

    assert problems_of(keeping) == ("IMAGES_BLOB_ENDPOINT is missing",)


def test_with_entra_too_there_is_a_vault_to_name_for_the_apps_own_secret() -> None:
    assert problems_of({**MIN, "FACE_AUTH": "entra", "KEY_VAULT_URL": ""}) == (
        "KEY_VAULT_URL is missing",
    )


def test_with_entra_for_servers_the_tenant_and_the_audience_must_be_named() -> None:
    named = {"ENTRA_TENANT_ID": GUID, "ENTRA_AUDIENCE": "api://face-liveness"}

    assert load(SERVER_AUTH="entra", **named) == replace(
        DEFAULTS,
        server_auth=ServerAuth.ENTRA,
        entra_tenant_id=GUID,
        entra_audience="api://face-liveness",
    )
    assert load(SERVER_AUTH="key") == DEFAULTS
    for name in named:
        missing = {**MIN, "SERVER_AUTH": "entra", **named, name: " "}
        assert problems_of(missing) == (f"{name} is missing",)


@pytest.mark.parametrize(
    ("text", "found"),
    [("entra", ServerAuth.ENTRA), (" entra ", ServerAuth.ENTRA)]
    + [(text, ServerAuth.KEY) for text in ("", "key", "Entra", "ENTRA", "none", "entra,key")],
)
def test_only_the_word_itself_makes_the_platform_ask_for_no_key(
    text: str, found: ServerAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER_AUTH", text)
    assert settings.load_server_auth() is found

    monkeypatch.delenv("SERVER_AUTH")
    assert settings.load_server_auth() is ServerAuth.KEY


EMULATORS = [
    "UseDevelopmentStorage=true",
    "usedevelopmentstorage=True;DevelopmentStorageProxyUri=http://127.0.0.1",
    "DefaultEndpointsProtocol=http;AccountName=x;AccountKey=eA==",
    "DefaultEndpointsProtocol=HTTP;AccountName=x;AccountKey=eA==",
    "AccountName=x;AccountKey=eA==;DefaultEndpointsProtocol=http",
    "AccountName=x;AccountKey=eA==;TableEndpoint=http://127.0.0.1:10002/x",
    "AccountName=devstoreaccount1;AccountKey=eA==;TableEndpoint=https://127.0.0.1:10002/x",
]


@pytest.mark.parametrize("connection", EMULATORS)
def test_storage_that_is_an_emulators_or_plain_http_is_for_development_only(
    connection: str,
) -> None:
    assert load(
        AzureWebJobsStorage=connection, AZURE_FUNCTIONS_ENVIRONMENT="Development"
    ).storage_connection == Secret(connection)
    for environment in ("Production", "development", ""):
        (problem,) = problems_of(
            {
                **MIN,
                "AzureWebJobsStorage": connection,
                "AZURE_FUNCTIONS_ENVIRONMENT": environment,
            }
        )
        assert problem.startswith("AzureWebJobsStorage ")
        assert connection not in problem


def test_the_local_identity_is_for_development_only() -> None:
    local = {"IDENTITY_HEADER": "local-identity-header"}

    assert load(**local, AZURE_FUNCTIONS_ENVIRONMENT="Development") == DEFAULTS
    assert load(IDENTITY_HEADER="the-platforms-own") == DEFAULTS
    assert problems_of({**MIN, **local}) == ("IDENTITY_HEADER is the local stack's",)


def test_storage_may_be_named_in_both_ways() -> None:
    both = load(AzureWebJobsStorage__tableServiceUri="https://store.test")

    assert both == replace(DEFAULTS, table_service_uri="https://store.test")


NAMES = st.sampled_from(
    [*MIN, "RETENTION_DAYS", "MAX_TOKEN_SECONDS", "FACE_KEY_CACHE_SECONDS", "DIGEST_POLICY"]
)


@given(
    changes=st.dictionaries(
        NAMES, st.text(max_size=10) | st.floats().map(str) | st.integers().map(str)
    )
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_environment_is_settings_or_a_configuration_error(changes: dict[str, str]) -> None:
    try:
        loaded = settings.from_environment({**MIN, **changes})
    except ConfigurationError:
        return

    assert 60 <= loaded.max_token_seconds <= 86_400


def test_the_process_environment_is_read_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FACE_ENDPOINT", "KEY_VAULT_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigurationError, match="FACE_ENDPOINT is missing"):
        settings.load()
