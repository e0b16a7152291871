import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared import composition, settings
from shared.app import App
from shared.errors import ConfigurationError
from shared.flow.start import StartRules
from shared.session.decisions import Rules
from shared.session.face_answer import Quality
from shared.session.limits import Limits
from shared.session.verdict import Policy
from tests.support import virtual_time
from tests.support.builders import a_request
from tests.support.fake_vault import FakeVault
from tests.support.fakes import Clock, FakeAppSecret, FakeFace, FakeQueue, RecordedEvents
from tests.support.memory_images import ImagesInMemory
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
    "MAX_STARTS_PER_HOUR": "4",
    "MAX_FAILURES": "6",
    "MIN_REFERENCE_QUALITY": "high",
    "FACE_TIMEOUT_SECONDS": "2",
    "FACE_BUDGET_SECONDS": "20",
    "DIGEST_POLICY": "required",
    "VERIFY_CONFIDENCE_FLOOR": "0.5",
    "VERIFY_IMAGE_HASH": "record",
    "SESSION_IMAGE": "always",
    "SESSION_IMAGE_ANALYSIS": "mask,blur",
}


LIMITS = Limits(max_open_sessions=3, max_starts_per_hour=4, max_failures=6)


START_RULES = StartRules(
    allows_creates=True,
    grace=timedelta(seconds=7),
    limits=LIMITS,
    min_reference_quality=Quality.HIGH,
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
async def test_the_app_is_built_as_the_settings_say() -> None:
    app = a_built_app()

    assert app.flow.rules == Rules(
        policy=Policy(
            digest_required=True,
            confidence_floor=0.5,
            image_hash_required=False,
            min_reference_quality=Quality.HIGH,
        ),
        grace=timedelta(seconds=7),
        retention=timedelta(days=3),
        walks_by_message=True,
        analyzes_images=True,
        limits=START_RULES.limits,
    )
    assert app.flow.walk.images.attributes == ("mask", "blur")
    assert app.start.rules == START_RULES
    assert app.sweep.walk.rules == app.flow.rules
    assert app.start.references.max_age == timedelta(days=3)
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
    face, store, queue, images = FakeFace(), StoreInMemory(), FakeQueue(), ImagesInMemory()
    app_secret, events, then = FakeAppSecret(), RecordedEvents(), Clock()

    app = composition.build(
        settings.load(),
        face=face,
        store=store,
        queue=queue,
        images=images,
        app_secret=app_secret,
        now=then,
        log=events,
    )

    parts: list[Any] = [app.start, app.flow, app.queue_flow, app.sweep.walk]
    parts += [app.flow.walk, app.queue_flow.walk]
    assert [part.face for part in parts] == [face] * 6
    assert [part.store for part in (*parts, app.sweep)] == [store] * 7
    assert [app.flow.queue, app.queue_flow.queue] == [queue] * 2
    assert [part.now for part in (*parts, app.sweep, app)] == [then] * 8
    assert [part.log.log for part in (*parts, app.sweep)] == [events] * 7
    await app.persons.seals.get()
    assert (app.sweep.walk.images.store, app_secret.asked) == (images, 1)
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


@dataclass
class Slow:
    """Whatever is outside: each call takes a second, side by side or in a row."""

    part: object
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        method = getattr(self.part, name)

        async def call(*arguments: object, **named: object) -> object:
            self.calls.append(name)
            await asyncio.sleep(1)
            return await method(*arguments, **named)

        return call


class FakeIdentity:
    """An identity that has a token for everything."""

    async def get_token(self, scope: str) -> AccessToken:
        return AccessToken(f"a token for {scope}", 0)


@pytest.fixture
def by_identity(environment: pytest.MonkeyPatch) -> None:
    """Have nothing opened by a connection string."""
    environment.delenv("AzureWebJobsStorage")
    for service in ("table", "queue"):
        name = f"AzureWebJobsStorage__{service}ServiceUri"
        environment.setenv(name, f"https://x.{service}.core.windows.net")
    environment.setenv("IMAGES_BLOB_ENDPOINT", "https://y.blob.core.windows.net")


@pytest.mark.usefixtures("by_identity")
def test_a_first_create_waits_for_vault_and_identity_once_and_a_second_not_at_all() -> None:
    face, store, vault, identity = (
        Slow(part) for part in (FakeFace(), StoreInMemory(), FakeVault(), FakeIdentity())
    )

    async def create_twice() -> list[float]:
        given: Any = {"face": face, "store": store}
        app = composition.build(settings.load(), **given, now=Clock())
        outside: Any = app._connections
        outside._credential, outside._vault._client = identity, vault
        times = [asyncio.get_running_loop().time()]
        for user in ("one", "another"):
            await app.start.start(a_request(user=user))
            times.append(asyncio.get_running_loop().time())
        return [end - begin for begin, end in pairwise(times)]

    # The person's count, Face, the new session: what each create does, one after the other.
    in_a_row = 3
    assert virtual_time.run(create_twice()) == [1 + in_a_row, in_a_row]
    assert (len(face.calls), len(store.calls)) == (2, 4)
    assert (vault.calls, identity.calls) == (["get_secret"] * 2, ["get_token"])
