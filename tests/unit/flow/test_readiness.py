import asyncio
from datetime import timedelta

import pytest

from shared.errors import (
    EventsUnavailableError,
    FaceRefusedError,
    KeyUnavailableError,
    NotReadyError,
    StoreUnavailableError,
)
from tests.support.fakes import FakeTopic
from tests.support.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage(topic=FakeTopic())
    stage.face.answer = None
    return stage


async def test_each_part_that_is_on_is_asked_and_is_ok(stage: Stage) -> None:
    parts = await stage.app.readiness.check()

    assert set(parts) == {"settings", "vault", "table", "queue", "face", "images", "events"}
    assert set(parts.values()) == {"ok"}
    assert sorted(stage.faults.calls) == ["check", "check", "get", "load"]


async def test_what_is_off_is_not_asked(stage: Stage) -> None:
    stage.topic = None

    assert (await stage.app.readiness.check())["events"] == "off"


async def test_every_part_that_cannot_be_used_is_named_with_its_cause(stage: Stage) -> None:
    down, refused, dead = (
        StoreUnavailableError("d"),
        FaceRefusedError("r"),
        EventsUnavailableError("x"),
    )
    missing = stage.app_secret.fails = KeyUnavailableError("m")
    stage.faults.fail("load", down)
    stage.faults.fail("get", refused)
    stage.faults.fail_next("check", dead, dead)

    with pytest.raises(NotReadyError, match="vault: m; table: d") as caught:
        await stage.app.readiness.check()

    assert caught.value.failures == {
        "vault": missing, "table": down, "queue": dead, "face": refused, "events": dead
    }  # fmt: skip


async def test_what_was_found_is_kept_for_ten_seconds_however_many_ask(stage: Stage) -> None:
    app = stage.app
    stage.faults.fail("get", FaceRefusedError("no"))

    first = await asyncio.gather(*(app.readiness.check() for _ in range(9)), return_exceptions=True)
    stage.faults.clear()
    stage.clock.advance(timedelta(seconds=9))
    with pytest.raises(NotReadyError) as refusal:
        await app.readiness.check()
    assert [getattr(one, "retry_after_seconds", 0) for one in first] == [10] * 9
    assert refusal.value.retry_after_seconds == 1
    assert (stage.faults.calls.count("get"), len(first)) == (1, 9)
    stage.clock.advance(timedelta(seconds=1))

    assert (await app.readiness.check())["face"] == "ok"
    assert stage.faults.calls.count("get") == 2
