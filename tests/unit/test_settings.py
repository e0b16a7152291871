from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared import settings
from shared.errors import ConfigurationError
from shared.secret import Secret
from shared.settings import Settings

STORAGE = (
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==;EndpointSuffix=core.windows.net"
)
MIN = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": STORAGE,
}
DEFAULTS = Settings(
    face_endpoint="https://face.test",
    face_by_entra=False,
    key_vault_url="https://vault.test",
    face_key_secret_name="face-api-key",
    face_key_cache=timedelta(seconds=600),
    storage=Secret(STORAGE),
    session_grace=timedelta(seconds=300),
    retention=timedelta(days=90),
    max_token_seconds=600,
    max_open_sessions=5,
    min_reference_quality="medium",
    digest_required=False,
    verify_confidence_floor=0,
    verify_image_hash_required=True,
    face_timeout_seconds=5,
    face_budget_seconds=10,
    store_timeout_seconds=3,
    key_timeout_seconds=3,
    sweep_face_calls_per_second=5,
)


# Whatever is not the bare address of a service: it would bend every path, or carry a password.
NOT_BARE = [
    "https://user@service.test",
    "https://user:password@service.test",
    "https://:password@service.test",
    "https://service.test?x=1",
    "https://service.test/#x",
    "https://service.test?",
    "https://service.test/#",
    "https://@service.test",
]


def load(**changes: str) -> Settings:
    return settings.from_environment({**MIN, **changes})


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        settings.from_environment(environment)
    return caught.value.problems


def test_three_settings_are_enough() -> None:
    assert load() == DEFAULTS


@pytest.mark.parametrize("name", sorted(MIN))
@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_a_setting_that_is_empty_is_missing(name: str, value: str) -> None:
    said = "AzureWebJobsStorage__tableServiceUri" if name == "AzureWebJobsStorage" else name

    assert problems_of({**MIN, name: value}) == (f"{said} is missing",)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FACE_ENDPOINT", "https://face.test/", DEFAULTS),
        ("FACE_ENDPOINT", " https://face.test// ", DEFAULTS),
        ("KEY_VAULT_URL", "https://vault.test/", DEFAULTS),
        ("FACE_KEY_SECRET_NAME", "other", replace(DEFAULTS, face_key_secret_name="other")),
        ("FACE_KEY_SECRET_NAME", "", DEFAULTS),
        ("FACE_KEY_CACHE_SECONDS", "0", replace(DEFAULTS, face_key_cache=timedelta())),
        ("FACE_KEY_CACHE_SECONDS", "86400", replace(DEFAULTS, face_key_cache=timedelta(days=1))),
        ("SESSION_GRACE_SECONDS", "0", replace(DEFAULTS, session_grace=timedelta())),
        ("SESSION_GRACE_SECONDS", "86400", replace(DEFAULTS, session_grace=timedelta(days=1))),
        ("RETENTION_DAYS", "0", replace(DEFAULTS, retention=timedelta())),
        ("RETENTION_DAYS", "0.5", replace(DEFAULTS, retention=timedelta(hours=12))),
        ("RETENTION_DAYS", "3650", replace(DEFAULTS, retention=timedelta(days=3650))),
        ("MAX_TOKEN_SECONDS", "60", replace(DEFAULTS, max_token_seconds=60)),
        ("MAX_TOKEN_SECONDS", "86400", replace(DEFAULTS, max_token_seconds=86400)),
        ("MAX_OPEN_SESSIONS", "0", replace(DEFAULTS, max_open_sessions=0)),
        ("MAX_OPEN_SESSIONS", "1000", replace(DEFAULTS, max_open_sessions=1000)),
        ("MIN_REFERENCE_QUALITY", "low", replace(DEFAULTS, min_reference_quality="low")),
        ("MIN_REFERENCE_QUALITY", "high", replace(DEFAULTS, min_reference_quality="high")),
        ("FACE_AUTH", "key", DEFAULTS),
        ("FACE_AUTH", "entra", replace(DEFAULTS, face_by_entra=True, key_vault_url="")),
        ("DIGEST_POLICY", "optional", DEFAULTS),
        ("DIGEST_POLICY", "required", replace(DEFAULTS, digest_required=True)),
        ("VERIFY_CONFIDENCE_FLOOR", "1", replace(DEFAULTS, verify_confidence_floor=1)),
        ("VERIFY_CONFIDENCE_FLOOR", " 0.75", replace(DEFAULTS, verify_confidence_floor=0.75)),
        ("VERIFY_IMAGE_HASH", "require", DEFAULTS),
        ("VERIFY_IMAGE_HASH", "record", replace(DEFAULTS, verify_image_hash_required=False)),
        ("FACE_TIMEOUT_SECONDS", "0.1", replace(DEFAULTS, face_timeout_seconds=0.1)),
        ("FACE_BUDGET_SECONDS", "1", replace(DEFAULTS, face_budget_seconds=1)),
        ("FACE_BUDGET_SECONDS", "120", replace(DEFAULTS, face_budget_seconds=120)),
        (
            "SWEEP_FACE_CALLS_PER_SECOND",
            "0.1",
            replace(DEFAULTS, sweep_face_calls_per_second=0.1),
        ),
        ("STORE_TIMEOUT_SECONDS", "60", replace(DEFAULTS, store_timeout_seconds=60)),
        ("KEY_TIMEOUT_SECONDS", "2.5", replace(DEFAULTS, key_timeout_seconds=2.5)),
    ],
)
def test_each_setting_has_its_effect(name: str, value: str, expected: Settings) -> None:
    assert load(**{name: value}) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "FACE_ENDPOINT",
            ["face.test", "ftp://face.test", "https://", "https://[broken", "/", *NOT_BARE],
        ),
        ("KEY_VAULT_URL", ["vault.test", "http://vault.test", "https:vault.test", *NOT_BARE]),
        ("FACE_KEY_CACHE_SECONDS", ["-1", "86401", "ten", "nan", "inf", "1e999", "0x10"]),
        ("SESSION_GRACE_SECONDS", ["-1", "86401", "five", "nan", "-inf"]),
        ("RETENTION_DAYS", ["-0.1", "3651", "ever", "nan", "1e300"]),
        ("MAX_TOKEN_SECONDS", ["59", "86401", "600.0", "nan", "many", "9" * 5000]),
        ("MAX_OPEN_SESSIONS", ["-1", "1001", "5.0", "nan", "any"]),
        ("MIN_REFERENCE_QUALITY", ["Medium", "best", "0"]),
        ("FACE_AUTH", ["Entra", "none", "keys"]),
        ("FACE_BUDGET_SECONDS", ["0.9", "120.1", "x", "nan"]),
        ("SWEEP_FACE_CALLS_PER_SECOND", ["0", "-1", "1001", "x", "nan", "inf"]),
        ("DIGEST_POLICY", ["Required", "yes"]),
        ("VERIFY_CONFIDENCE_FLOOR", ["-0.1", "1.1", "0,5", "nan"]),
        ("VERIFY_IMAGE_HASH", ["Record", "no"]),
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
        "KEY_VAULT_URL",
        "AzureWebJobsStorage__tableServiceUri",
        "DIGEST_POLICY",
        "VERIFY_CONFIDENCE_FLOOR",
        "FACE_TIMEOUT_SECONDS",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1:7072", "localhost", "[::1]:80", "LOCALHOST:1"])
def test_plain_http_is_for_loopback_in_development_only(host: str) -> None:
    url = f"http://{host}"

    assert load(FACE_ENDPOINT=url, AZURE_FUNCTIONS_ENVIRONMENT="Development").face_endpoint == url
    for environment in ("Production", "development", ""):
        assert problems_of(
            {**MIN, "FACE_ENDPOINT": url, "AZURE_FUNCTIONS_ENVIRONMENT": environment}
        ) == ("FACE_ENDPOINT must be an https URL",)


@pytest.mark.parametrize(
    "url",
    [
        "http://face.test",
        "http://127.0.0.1.face.test",
        "http://localhost@face.test",
        "http://0.0.0.0",
        "http://",
    ],
)
def test_plain_http_to_elsewhere_is_refused_even_in_development(url: str) -> None:
    assert problems_of(
        {**MIN, "FACE_ENDPOINT": url, "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    ) == ("FACE_ENDPOINT must be an https URL",)


def test_storage_may_be_reached_by_identity() -> None:
    loaded = settings.from_environment(
        {
            "FACE_ENDPOINT": "https://face.test",
            "KEY_VAULT_URL": "https://vault.test",
            "AzureWebJobsStorage__tableServiceUri": "https://store.table.core.windows.net/",
        }
    )

    assert loaded.storage == "https://store.table.core.windows.net"


def test_with_entra_there_is_no_vault_to_name() -> None:
    loaded = settings.from_environment(
        {"FACE_ENDPOINT": "https://face.test", "AzureWebJobsStorage": STORAGE, "FACE_AUTH": "entra"}
    )

    assert loaded == replace(DEFAULTS, face_by_entra=True, key_vault_url="")


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
    ).storage == Secret(connection)
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


def test_a_connection_string_wins_over_an_identity() -> None:
    assert load(AzureWebJobsStorage__tableServiceUri="https://store.test") == DEFAULTS


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
