"""The picture of a check: kept, told, served to your server alone, and gone with its record."""

import asyncio

import pytest

from tests.conftest import Configure
from tests.support.constants import FUNCTION_KEY, STALE_SECONDS
from tests.support.world import Answer, Check, World, eventually


async def image_of(world: World, check: Check) -> Answer:
    path = f"/sessions/{check.session_id}/image"
    return await world.call("GET", path, headers=FUNCTION_KEY)


async def told_of(world: World, check: Check) -> str:
    return str((await world.result(check)).body["sessionImage"])


async def test_a_picture_is_kept_at_once_served_whole_and_gone_with_its_record(
    world: World, configure: Configure
) -> None:
    await configure(SESSION_IMAGE="allow", SESSION_IMAGE_ANALYSIS="mask, blur")
    check = await world.start(enableSessionImage=True)
    await world.play(check, "realface")
    assert (await image_of(world, check)).code == "ImageNotFound"

    assert (await world.complete(check)).status == 200
    await eventually(lambda: told_of(world, check), "stored")
    served, face_id = await image_of(world, check), (await world.row(check))["faceSessionId"]

    assert (served.status, served.headers["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in served.headers["Cache-Control"]
    assert f"session {face_id} attempt 1".encode() in served.content
    (face,) = (await world.result(check)).body["faceAttributes"]
    assert set(face["faceAttributes"]) == {"mask", "blur"}
    told = (await world.result(check)).body["faceRequestIds"]
    assert None not in told.values()
    assert len(set(told.values())) == len(told)
    assert face_id not in await world.at_face()
    await world.wait(91 * 86_400)
    await world.sweep()
    assert (await image_of(world, check)).code == "SessionNotFound"
    assert await world.picture(check.session_id) is None


async def test_the_picture_of_the_last_attempt_is_kept_whoever_comes_to_do_it(
    world: World, configure: Configure
) -> None:
    await configure(SESSION_IMAGE="always")
    check = await world.start()
    await world.play(check, "error:FaceNotFrontal")
    await world.play(check, "realface")

    await asyncio.gather(*(world.complete(check) for _ in range(4)))
    for _ in range(4):
        await world.send(check.session_id)
    await world.sweep()
    await eventually(lambda: told_of(world, check), "stored")

    assert b"attempt 2" in (await image_of(world, check)).content


@pytest.mark.parametrize(
    ("fault", "told"),
    [("missing", "unavailable"), ("tooLarge", "unavailable"), ("normal", "stored")],
)
async def test_a_picture_that_face_does_not_give_changes_no_verdict(
    world: World, configure: Configure, fault: str, told: str
) -> None:
    await configure(SESSION_IMAGE="always")
    check = await world.start_with_verify()
    await world.play(check, "realface", sessionImage=fault)
    await world.wait(STALE_SECONDS)
    await world.sweep()

    result = (await world.result(check)).body
    assert (result["outcome"], result["sessionImage"]) == ("passed", told)
    assert result["faceAttributes"] is None
    assert ((await image_of(world, check)).status == 200) is (told == "stored")


async def test_no_picture_is_kept_where_none_may_be(world: World) -> None:
    refused = await world.create(json={"deviceCorrelationId": "d", "enableSessionImage": True})
    check = await world.start(enableSessionImage=False)
    await world.play(check, "realface")

    assert (refused.status, refused.body["error"]["target"]) == (400, "enableSessionImage")
    assert (await world.complete(check)).status == 200
    assert await told_of(world, check) == "none"
    assert (await image_of(world, check)).code == "ImageNotFound"
