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

LEAST = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}
DEFAULTS = Settings(
    face_endpoint="https://face.test",
    key_vault_url="https://vault.test",
    face_key_secret_name="face-api-key",
    face_key_cache=timedelta(seconds=600),
    storage_connection=Secret("UseDevelopmentStorage=true"),
    table_service_url=None,
    session_grace=timedelta(seconds=300),
    retention=timedelta(days=90),
    max_token_seconds=600,
    digest_required=False,
    verify_confidence_floor=0,
    verify_image_hash_required=True,
    face_timeout_seconds=5,
    store_timeout_seconds=3,
    key_timeout_seconds=3,
)


def load(**changes: str) -> Settings:
    return settings.from_environment({**LEAST, **changes})


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        settings.from_environment(environment)
    return caught.value.problems


def test_three_settings_are_enough() -> None:
    assert load() == DEFAULTS


@pytest.mark.parametrize("name", sorted(LEAST))
@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_a_setting_that_is_empty_is_missing(name: str, value: str) -> None:
    said = "AzureWebJobsStorage__tableServiceUri" if name == "AzureWebJobsStorage" else name

    assert problems_of({**LEAST, name: value}) == (f"{said} is missing",)


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
        ("DIGEST_POLICY", "optional", DEFAULTS),
        ("DIGEST_POLICY", "required", replace(DEFAULTS, digest_required=True)),
        ("VERIFY_CONFIDENCE_FLOOR", "1", replace(DEFAULTS, verify_confidence_floor=1)),
        ("VERIFY_CONFIDENCE_FLOOR", " 0.75", replace(DEFAULTS, verify_confidence_floor=0.75)),
        ("VERIFY_IMAGE_HASH", "require", DEFAULTS),
        ("VERIFY_IMAGE_HASH", "record", replace(DEFAULTS, verify_image_hash_required=False)),
        ("FACE_TIMEOUT_SECONDS", "0.1", replace(DEFAULTS, face_timeout_seconds=0.1)),
        ("STORE_TIMEOUT_SECONDS", "60", replace(DEFAULTS, store_timeout_seconds=60)),
        ("KEY_TIMEOUT_SECONDS", "2.5", replace(DEFAULTS, key_timeout_seconds=2.5)),
    ],
)
def test_each_setting_has_its_effect(name: str, value: str, expected: Settings) -> None:
    assert load(**{name: value}) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("FACE_ENDPOINT", ["face.test", "ftp://face.test", "https://", "https://[broken", "/"]),
        ("KEY_VAULT_URL", ["vault.test", "http://vault.test", "https:vault.test"]),
        ("FACE_KEY_CACHE_SECONDS", ["-1", "86401", "ten", "nan", "inf", "1e999", "0x10"]),
        ("SESSION_GRACE_SECONDS", ["-1", "86401", "five", "nan", "-inf"]),
        ("RETENTION_DAYS", ["-0.1", "3651", "ever", "nan", "1e300"]),
        ("MAX_TOKEN_SECONDS", ["59", "86401", "600.0", "nan", "many", "9" * 5000]),
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
        (problem,) = problems_of({**LEAST, name: value})

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
            {**LEAST, "FACE_ENDPOINT": url, "AZURE_FUNCTIONS_ENVIRONMENT": environment}
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
        {**LEAST, "FACE_ENDPOINT": url, "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    ) == ("FACE_ENDPOINT must be an https URL",)


def test_storage_may_be_reached_by_identity() -> None:
    loaded = settings.from_environment(
        {
            "FACE_ENDPOINT": "https://face.test",
            "KEY_VAULT_URL": "https://vault.test",
            "AzureWebJobsStorage__tableServiceUri": "https://store.table.core.windows.net/",
        }
    )

    assert (loaded.storage_connection, loaded.table_service_url) == (
        None,
        "https://store.table.core.windows.net",
    )


def test_a_connection_string_wins_over_an_identity() -> None:
    assert load(AzureWebJobsStorage__tableServiceUri="https://store.test") == DEFAULTS


NAMES = st.sampled_from(
    [*LEAST, "RETENTION_DAYS", "MAX_TOKEN_SECONDS", "FACE_KEY_CACHE_SECONDS", "DIGEST_POLICY"]
)


@given(
    changes=st.dictionaries(
        NAMES, st.text(max_size=10) | st.floats().map(str) | st.integers().map(str)
    )
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_environment_is_settings_or_a_configuration_error(changes: dict[str, str]) -> None:
    try:
        loaded = settings.from_environment({**LEAST, **changes})
    except ConfigurationError:
        return

    assert 60 <= loaded.max_token_seconds <= 86_400


def test_the_process_environment_is_read_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FACE_ENDPOINT", "KEY_VAULT_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigurationError, match="FACE_ENDPOINT is missing"):
        settings.load()
