from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import composition, settings
from shared.composition import App
from shared.errors import ConfigurationError
from shared.flow.start import StartRules
from shared.session.decisions import Rules
from shared.session.face_answer import Quality
from shared.session.verdict import Policy
from tests.support.fakes import Clock, FakeFace, FakeQueue, RecordedEvents
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
    face, store, queue = FakeFace(), StoreInMemory(), FakeQueue()
    events, then = RecordedEvents(), Clock()

    app = composition.build(
        settings.load(), face=face, store=store, queue=queue, now=then, log=events
    )

    parts: list[Any] = [app.start, app.flow, app.queue_flow, app.sweep.walk]
    parts += [app.flow.walk, app.queue_flow.walk]
    assert [part.face for part in parts] == [face] * 6
    assert [part.store for part in (*parts, app.sweep)] == [store] * 7
    assert [app.flow.queue, app.queue_flow.queue] == [queue] * 2
    assert [part.now for part in (*parts, app.sweep, app)] == [then] * 8
    assert [part.log for part in (*parts, app.sweep)] == [events] * 7
    assert app._connections._opened == []


@pytest.mark.usefixtures("environment")
async def test_who_replaces_the_clock_replaces_it_everywhere(
    environment: pytest.MonkeyPatch,
) -> None:
    await composition.close()
    then = Clock()
    environment.setattr(composition, "now", then)

    assert composition.app().now is then
    await composition.close()
