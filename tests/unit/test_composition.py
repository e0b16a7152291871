from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from shared import composition, settings
from shared.composition import App
from shared.entra.access_token import TokenRules
from shared.errors import ConfigurationError
from shared.face.client import FaceClient, acquire_at_once
from shared.face.entra import EntraCredential
from shared.face.key_vault import KeyVaultCredential
from shared.face.pace import Pace
from shared.flow.start import StartRules
from shared.secret import Secret
from shared.session.decisions import Rules
from shared.session.face_answer import Quality
from shared.session.verdict import Policy
from shared.store.session_store import TableSessionStore
from tests.support.fakes import Clock, FakeFace, RecordedEvents
from tests.support.memory_table import StoreInMemory


def a_built_app() -> App:
    return composition.build(settings.load(), now=REAL_CLOCK)


# Looked up before any other test turns the clock.
REAL_CLOCK = composition.now
ENVIRONMENT = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==",
    "SWEEP_SCHEDULE": "0 * * * * *",
    "SESSION_GRACE_SECONDS": "7",
    "RETENTION_DAYS": "3",
    "MAX_OPEN_SESSIONS": "3",
    "MIN_REFERENCE_QUALITY": "high",
    "FACE_TIMEOUT_SECONDS": "2",
    "FACE_BUDGET_SECONDS": "20",
    "DIGEST_POLICY": "required",
    "VERIFY_CONFIDENCE_FLOOR": "0.5",
    "VERIFY_IMAGE_HASH": "record",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
async def test_the_app_is_built_as_the_settings_say() -> None:
    app = a_built_app()

    assert app.flow.rules == Rules(
        policy=Policy(digest_required=True, confidence_floor=0.5, image_hash_required=False),
        grace=timedelta(seconds=7),
        retention=timedelta(days=3),
    )
    assert app.start.rules == StartRules(
        grace=timedelta(seconds=7), max_open_sessions=3, min_reference_quality=Quality.HIGH
    )
    assert app.sweep.walk.rules == app.flow.rules
    assert app.sweep.store is app.flow.store is app.start.store
    assert app.flow.face is app.start.face
    assert len({app.start.random_bytes(32) for _ in range(8)}) == 8
    await app.close()


@pytest.mark.usefixtures("environment")
async def test_the_sweep_calls_face_at_a_pace_of_its_own() -> None:
    app = a_built_app()
    live, swept = (cast("FaceClient", flow.face) for flow in (app.flow, app.sweep.walk))

    assert live._options.acquire is acquire_at_once
    assert swept._options == replace(live._options, acquire=swept._options.acquire)
    assert isinstance(getattr(swept._options.acquire, "__self__", None), Pace)
    assert (live._options.timeout_seconds, live._options.patience.budget_seconds) == (2, 20)
    await app.close()


@pytest.mark.parametrize(
    ("auth", "keys", "header"),
    [
        ("key", KeyVaultCredential, {"Ocp-Apim-Subscription-Key": "the-key"}),
        ("entra", EntraCredential, {"Authorization": "Bearer the-key"}),
    ],
)
async def test_face_is_reached_by_key_or_by_entra(
    auth: str, keys: type, header: object, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("FACE_AUTH", auth)
    if auth == "entra":
        environment.delenv("KEY_VAULT_URL")
    app = a_built_app()
    face = cast("FaceClient", app.flow.face)

    assert isinstance(face._credential, keys)
    assert face._options.auth_header(Secret("the-key")) == header
    await app.close()


TENANT = "11111111-1111-1111-1111-111111111111"
BY_TOKEN = {
    "SERVER_AUTH": "entra",
    "ENTRA_TENANT_ID": TENANT,
    "ENTRA_AUDIENCE": "api://face-liveness",
    "AZURE_AUTHORITY_HOST": "login.microsoftonline.us",
    "KEY_TIMEOUT_SECONDS": "2",
}


@pytest.mark.usefixtures("environment")
async def test_where_servers_come_with_keys_nobody_is_asked_for_a_token() -> None:
    app = a_built_app()

    assert app.token_check is None
    await app.close()


async def test_tokens_are_checked_as_the_settings_say(environment: pytest.MonkeyPatch) -> None:
    for name, value in BY_TOKEN.items():
        environment.setenv(name, value)
    app = a_built_app()
    v1, authority = f"https://sts.windows.net/{TENANT}/", "https://login.microsoftonline.us"

    assert app.token_check
    assert app.token_check.rules == TokenRules(
        issuers=frozenset({v1, f"{authority}/{TENANT}/v2.0"}), audience="api://face-liveness"
    )
    keys = app.token_check.keys
    assert keys._url == f"{authority}/{TENANT}/discovery/v2.0/keys"
    assert (keys._http.timeout.total, keys._now) == (2, REAL_CLOCK)
    await app.close()
    assert keys._http.closed


async def test_the_table_is_opened_by_identity_where_there_is_no_connection_string(
    environment: pytest.MonkeyPatch,
) -> None:
    url = "https://x.table.core.windows.net"
    environment.delenv("AzureWebJobsStorage")
    environment.setenv("AzureWebJobsStorage__tableServiceUri", url)
    app = a_built_app()

    assert isinstance(app.flow.store, TableSessionStore)
    assert app.flow.store._table._client.url == url
    await app.close()


@pytest.mark.usefixtures("environment")
async def test_an_app_that_was_closed_is_built_anew() -> None:
    await composition.close()
    first = composition.app()
    await composition.close()
    second = composition.app()
    await composition.close()

    assert first is not second


def test_the_clock_tells_the_time_in_utc() -> None:
    told = REAL_CLOCK()

    assert told.tzinfo is UTC
    assert timedelta() <= datetime.now(UTC) - told < timedelta(minutes=1)


async def test_what_is_missing_is_said_instead(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("FACE_ENDPOINT")

    with pytest.raises(ConfigurationError, match="FACE_ENDPOINT is missing"):
        a_built_app()


@pytest.mark.usefixtures("environment")
async def test_what_is_given_is_used_and_nothing_is_opened_in_its_place() -> None:
    face, store, events, then = FakeFace(), StoreInMemory(), RecordedEvents(), Clock()

    app = composition.build(settings.load(), face=face, store=store, now=then, log=events)

    assert [app.start.face, app.flow.face, app.sweep.walk.face] == [face] * 3
    assert [app.start.store, app.flow.store, app.sweep.store, app.sweep.walk.store] == [store] * 4
    assert [app.now, app.start.now, app.flow.now, app.sweep.now] == [then] * 4
    assert [app.start.log, app.flow.log, app.sweep.log] == [events] * 3
    assert app._opened == ()


@pytest.mark.usefixtures("environment")
async def test_who_replaces_the_clock_replaces_it_everywhere(
    environment: pytest.MonkeyPatch,
) -> None:
    await composition.close()
    then = Clock()
    environment.setattr(composition, "now", then)

    assert composition.app().now is then
    await composition.close()
