"""An operator asks whether the app could do its work now."""

from collections.abc import Awaitable, Callable

from local.stack.stack import Stack
from tests.support.constants import FUNCTION_KEY
from tests.support.environment import build_app_anew
from tests.support.world import Answer, World

type Configure = Callable[..., Awaitable[None]]


async def ready(world: World) -> Answer:
    return await world.call("GET", "/ready", headers=FUNCTION_KEY)


async def test_all_parts_of_the_stack_are_ready_and_events_where_they_are_on(
    world: World, stack: Stack, configure: Configure
) -> None:
    await build_app_anew()
    off = await ready(world)
    await configure(EVENTS_TOPIC_ENDPOINT=stack.settings["EVENTS_TOPIC_ENDPOINT"])
    on = await ready(world)

    assert (off.status, off.body["status"], off.body["parts"]["events"]) == (200, "ready", "off")
    assert (on.status, on.body["parts"]["events"], on.body["parts"]["face"]) == (200, "ok", "ok")


async def test_what_is_down_is_named_by_its_part_and_its_code(
    world: World, stack: Stack, configure: Configure
) -> None:
    await configure(EVENTS_TOPIC_ENDPOINT=stack.settings["EVENTS_TOPIC_ENDPOINT"])
    for operation in ("vault", "topic", "get"):
        await world.fail(operation, times=9, status=503)

    answer = await ready(world)

    assert (answer.status, answer.code) == (503, "NotReady")
    details = {one["target"]: one["code"] for one in answer.body["error"]["details"]}
    assert details["vault"] == "KeyUnavailable"
    assert details["events"] == "EventsUnavailable"
    assert details["face"] in {"FaceUnavailable", "KeyUnavailable"}


async def test_wrong_settings_are_a_part_too(world: World, configure: Configure) -> None:
    await configure(FACE_ENDPOINT="nowhere")

    answer = await ready(world)

    assert (answer.status, answer.code) == (503, "NotReady")
    (detail,) = answer.body["error"]["details"]
    assert (detail["target"], detail["code"]) == ("settings", "ConfigurationError")
    assert "nowhere" not in answer.text


async def test_readiness_is_not_for_everybody(world: World) -> None:
    assert (await world.call("GET", "/ready")).status == 401
