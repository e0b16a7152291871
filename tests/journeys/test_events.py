"""Your server is told how each session ends, by the topic of the stack."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.stack.stack import Stack
from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, Check, World, eventually

TOPIC = "EVENTS_TOPIC_ENDPOINT"

type Configure = Callable[..., Awaitable[None]]


@pytest.fixture
async def _with_events(stack: Stack, configure: Configure) -> None:
    await configure(**{TOPIC: stack.settings[TOPIC]})


async def told(world: World, check: Check) -> list[dict[str, Any]]:
    async with world.http.get(f"{world.stack.face_url}/simulator/events") as answer:
        every = await answer.json()
    return [one for one in every if one["subject"] == f"sessions/{check.session_id}"]


async def resend(world: World, check: Check) -> Answer:
    path = f"/sessions/{check.session_id}/event"
    return await world.call("POST", path, headers=FUNCTION_KEY)


@pytest.mark.usefixtures("_with_events")
async def test_a_verdict_is_told_once_and_again_when_an_operator_asks(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")

    early = await resend(world, check)
    assert (await world.complete(check)).status == 200

    async def ids() -> list[str]:
        return [one["id"] for one in await told(world, check)]

    await eventually(ids, [f"SessionCompleted:{check.session_id}"])
    (event,) = await told(world, check)
    assert event["data"]["outcome"] == "passed"
    assert event["source"] == "/face-liveness/local"
    again = await resend(world, check)
    await eventually(ids, [f"SessionCompleted:{check.session_id}"] * 2)
    assert (early.status, early.code) == (409, "SessionNotFinal")
    assert (again.status, again.body) == (202, {"sessionId": check.session_id})


@pytest.mark.usefixtures("_with_events")
async def test_what_a_dead_topic_did_not_take_the_sweep_brings_when_it_is_back(
    world: World,
) -> None:
    check = await world.start()
    await world.fail("topic", times=1000, status=503)
    await world.cancel(check)
    assert await told(world, check) == []

    await world.clear_faults()
    await world.wait(3600)
    await world.sweep()

    assert [one["type"] for one in await told(world, check)] == ["FaceLiveness.SessionCanceled"]
    assert len(await world.alarms(check)) == 1


async def test_where_events_are_off_none_can_be_sent_again(world: World) -> None:
    check = await world.start()
    await world.cancel(check)

    refused = await resend(world, check)

    assert (refused.status, refused.code) == (409, "EventsOff")
    assert await told(world, check) == []


@pytest.mark.usefixtures("_with_events")
async def test_the_failure_that_locks_a_person_tells_until_when(world: World) -> None:
    person = {"userCorrelationId": secrets.token_hex(8)}
    checks = []
    for _ in range(5):
        checks.append(await world.start(**person))
        await world.play(checks[-1], "spoofface")
        await world.complete(checks[-1])

    async def types() -> list[list[str]]:
        every = [await told(world, check) for check in checks]
        return [[one["id"].partition(":")[0] for one in one_check] for one_check in every]

    ended = ["SessionCompleted"]
    await eventually(types, [*[ended] * 4, [*ended, "PersonLocked"]])
    _, lock = await told(world, checks[-1])
    assert set(lock["data"]) == {"sessionId", "kind", "lockedUntil"}
    assert lock["data"]["lockedUntil"] > lock["time"]
