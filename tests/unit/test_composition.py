from datetime import UTC, datetime, timedelta

import pytest

from shared import composition
from shared.errors import ConfigurationError
from shared.next_step import Rules
from shared.verdict import Policy

ENVIRONMENT = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==",
    "SESSION_GRACE_SECONDS": "7",
    "RETENTION_DAYS": "3",
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
    app = composition.app.__wrapped__()

    assert app.flow.rules == Rules(
        policy=Policy(digest_required=True, confidence_floor=0.5, image_hash_required=False),
        grace=timedelta(seconds=7),
        retention=timedelta(days=3),
    )
    assert app.sweep.flow is app.flow
    assert app.sweep.store is app.flow.store
    assert len({app.flow.random_bytes(32) for _ in range(8)}) == 8
    await app.close()


async def test_what_is_missing_is_said_instead(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("FACE_ENDPOINT")

    with pytest.raises(ConfigurationError, match="FACE_ENDPOINT is missing"):
        composition.app.__wrapped__()


@pytest.mark.usefixtures("environment")
async def test_who_replaces_the_clock_replaces_it_everywhere(
    environment: pytest.MonkeyPatch,
) -> None:
    app = composition.app.__wrapped__()
    then = datetime(2030, 1, 1, tzinfo=UTC)
    environment.setattr(composition, "now", lambda: then)

    assert (app.flow.now(), app.sweep.now()) == (then, then)
    await app.close()
