"""Three ways to a reference image: a file, an earlier check's picture, or the device's own."""

import hashlib
import secrets

import pytest

from tests.conftest import Configure
from tests.support.world import Check, World, check_of, eventually, form, picture


async def test_who_was_enrolled_by_a_check_is_verified_against_its_picture_later(
    world: World, configure: Configure
) -> None:
    await configure(SESSION_IMAGE="allow")
    user = {"userCorrelationId": secrets.token_hex(8)}
    first = await world.start(**user, enableSessionImage=True)
    named = {"deviceCorrelationId": "a-new-phone", "referenceSessionId": first.session_id}
    too_early = await world.create(json=named | user)
    await world.play(first, "realface")
    await world.complete(first)
    await eventually(lambda: _image_state(world, first), "stored")

    again = check_of(await world.create(json=named | user))
    await world.play(again, "realface")
    await world.complete(again)
    stranger = await world.create(json=named)

    assert again.started["referenceImage"]["qualityForRecognition"] == "high"
    assert await world.verdict(again) == ("completed", "passed", [])
    assert (await world.result(again)).body["verify"]["verifyImageHash"] == "matched"
    assert (too_early.status, too_early.code) == (422, "ReferenceUnusable")
    assert too_early.text == stranger.text


async def _image_state(world: World, check: Check) -> str:
    return str((await world.result(check)).body["sessionImage"])


@pytest.mark.parametrize(
    ("brings", "ending"),
    [
        ("this", ("completed", "passed", [])),
        ("another", ("completed", "untrusted", ["ImageHashMismatch"])),
    ],
)
async def test_an_image_that_the_device_brings_must_be_the_one_that_your_server_knows(
    world: World, configure: Configure, brings: str, ending: tuple[str, str, list[str]]
) -> None:
    await configure(CLIENT_REFERENCE_IMAGE="allow", VERIFY_IMAGE_HASH="record")
    known = hashlib.sha256(picture()).hexdigest()
    fields = {"verifyImageSetInClient": True, "verifyImageSha256": known}
    check = await world.start(**fields)
    brought = known.upper() if brings == "this" else secrets.token_hex(32)

    await world.play(check, "realface", verifyImageHash=brought)
    await world.complete(check)

    assert check.started["referenceImage"]["qualityForRecognition"] is None
    assert await world.verdict(check) == ending


async def test_no_device_brings_its_reference_image_unless_the_deployment_says_so(
    world: World,
) -> None:
    data = form(picture(), verifyImageSetInClient="true", verifyImageSha256="ab" * 32)
    refused = await world.create(data=data)

    assert (refused.status, refused.body["error"]["target"]) == (400, "verifyImageSetInClient")
