"""The story of the demo, chapter by chapter: each ends as it should, or the demo fails."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from local.demo.acts import (
    FUNCTION_KEY,
    Ending,
    complete,
    read_image,
    read_result,
    start,
    start_with_image,
    wait_for,
    wait_for_image,
)
from local.demo.narrator import Narrator, require

MASTER_KEY = {"x-functions-key": "local-master-key"}

_TOKEN_AND_GRACE_SECONDS = 600 + 300
_SECOND_PASS_SECONDS = 61
_RETENTION_SECONDS = 91 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter: its title, what the summary calls it, and how it is played."""

    number: int
    title: str
    gist: str
    play: Callable[[Narrator], Awaitable[Ending]]


async def tell(narrator: Narrator, chapters: Sequence[Chapter]) -> list[Ending]:
    """Play the chapters; StoryError if one does not end as it should."""
    endings = []
    for chapter in chapters:
        await narrator.begin_chapter(chapter.number, chapter.title)
        endings.append(await chapter.play(narrator))
        await narrator.wait_until_face_forgot()
    return endings


async def _pass_a_real_person(narrator: Narrator) -> Ending:
    check = await start(narrator)
    told = await narrator.play_device(check, "realface", "shows a real face")
    await complete(narrator, check, {"digest": told["digest"]})
    ending = await read_result(narrator, check, Ending("completed", "passed"))
    await narrator.wait_until_face_forgot()
    await narrator.confirm("Face keeps nothing of it any more")
    return ending


async def _reject_a_photo(narrator: Narrator) -> Ending:
    check = await start(narrator)
    told = await narrator.play_device(check, "spoofface", "shows a photo of a face")
    await complete(narrator, check, {"digest": told["digest"]})
    return await read_result(narrator, check, Ending("completed", "rejected", ("Spoof",)))


async def _reject_somebody_else(narrator: Narrator) -> Ending:
    check = await start_with_image(narrator)
    other = {"isIdentical": False, "matchConfidence": 0.12}
    await narrator.play_device(check, "realface", "shows another face", **other)
    await complete(narrator, check)
    return await read_result(narrator, check, Ending("completed", "rejected", ("DifferentPerson",)))


async def _try_again_after_a_mask(narrator: Narrator) -> Ending:
    check = await start(narrator)
    error = await narrator.play_device(check, "error:FaceWithMaskDetected", "sees a mask")
    await complete(narrator, check, {"error": error}, becomes="started")
    told = await narrator.play_device(check, "realface", "shows a real face")
    await complete(narrator, check, {"digest": told["digest"]})
    return await read_result(narrator, check, Ending("started, completed", "passed"))


async def _reject_a_photo_before_a_real_face(narrator: Narrator) -> Ending:
    check = await start(narrator)
    await narrator.play_device(check, "spoofface", "shows a photo of a face", goesOn=True)
    told = await narrator.play_device(check, "realface", "shows a real face")
    await complete(narrator, check, {"digest": told["digest"]})
    return await read_result(narrator, check, Ending("completed", "rejected", ("Spoof",)))


async def _verify_who_was_enrolled(narrator: Narrator) -> Ending:
    user = {"userCorrelationId": secrets.token_hex(8)}
    first = await start(narrator, **user, enableSessionImage=True)
    await narrator.play_device(first, "realface", "shows a real face")
    await complete(narrator, first)
    await wait_for_image(narrator, first)
    await narrator.confirm("its picture is kept: the person is enrolled")
    again = await start(narrator, **user, referenceSessionId=first.session_id)
    await narrator.play_device(again, "realface", "shows the same face, days later")
    await complete(narrator, again)
    return await read_result(narrator, again, Ending("completed", "passed"))


async def _keep_a_picture_and_purge_it(narrator: Narrator) -> Ending:
    check = await start(narrator, enableSessionImage=True)
    await narrator.play_device(check, "spoofface", "shows a photo of a face")
    await complete(narrator, check)
    await wait_for_image(narrator, check)
    ending = await read_result(narrator, check, Ending("completed", "rejected", ("Spoof",)))
    await read_image(narrator, check, status=200)
    await _pass_time(narrator, _RETENTION_SECONDS + 1, "91 days")
    await wait_for_image(narrator, check, state=None)
    await read_image(narrator, check, status=404)
    await narrator.confirm("the record is purged, and its picture with it")
    return ending


async def _forget_a_person(narrator: Narrator) -> Ending:
    user = {"userCorrelationId": secrets.token_hex(8)}
    check = await start(narrator, **user)
    await narrator.play_device(check, "realface", "shows a real face")
    await complete(narrator, check)
    path = "/persons/erase"
    _, told = await narrator.call("operator", "POST", path, headers=FUNCTION_KEY, json=user)
    await _pass_time(narrator, _SECOND_PASS_SECONDS, "a minute")
    receipt = {"receiptId": told["receiptId"]}

    async def is_erased() -> bool:
        url = narrator.app_url + path
        async with narrator.http.post(url, headers=FUNCTION_KEY, json=receipt) as answer:
            return bool((await answer.json())["status"] == "erased")

    await narrator.wait_until("the person was erased", is_erased)
    await narrator.confirm(f"erased, with {told['sessions']} session; the receipt names nobody")
    path = f"/sessions/{check.session_id}"
    status, _ = await narrator.call("frontend", "GET", path, headers=check.token)
    require("the answer to the frontend", found=status, wanted=404)
    return Ending("completed, 404")


async def _distrust_another_digest(narrator: Narrator) -> Ending:
    check = await start(narrator)
    await narrator.play_device(check, "realface", "shows a real face")
    await complete(narrator, check, {"digest": "0" * 64})
    return await read_result(narrator, check, Ending("completed", "untrusted", ("DigestMismatch",)))


async def _refuse_a_stranger(narrator: Narrator) -> Ending:
    check = await start(narrator)
    path = f"/sessions/{check.session_id}"
    status, _ = await narrator.call("stranger", "GET", path, headers={"X-Session-Token": "guess"})
    require("the answer to a stranger", found=status, wanted=404)
    await narrator.confirm("to a stranger there is no such session")
    status, _ = await narrator.call("frontend", "DELETE", path, headers=check.token)
    require("the answer to its own frontend", found=status, wanted=204)
    await narrator.confirm("its own frontend may give it up")
    return Ending("404, canceled")


async def _outlast_an_outage_of_face(narrator: Narrator) -> Ending:
    check = await start(narrator)
    await narrator.play_device(check, "realface", "shows a real face")
    fault = {"operation": "get", "times": 999, "status": 503}
    await narrator.use_control("POST", "faults", json=fault)
    await narrator.say("Face", "answers every question with 503")
    await complete(narrator, check, becomes="processing")
    await narrator.use_control("DELETE", "faults")
    await narrator.say("Face", "is back")
    await wait_for(narrator, check, "completed", by="queue")
    return await read_result(narrator, check, Ending("processing, completed", "passed"))


async def _outlast_a_rotated_key(narrator: Narrator) -> Ending:
    check = await start(narrator)
    await narrator.play_device(check, "realface", "shows a real face")
    await narrator.use_control("POST", "key", json={"key": secrets.token_hex(16)})
    await narrator.say("operator", "rotates the key: Face takes only the new one, the vault has it")
    await complete(narrator, check)
    return await read_result(narrator, check, Ending("completed", "passed"))


async def _sweep_an_abandoned_session(narrator: Narrator) -> Ending:
    check = await start(narrator)
    minutes = f"{_TOKEN_AND_GRACE_SECONDS // 60} minutes"
    await _pass_time(narrator, _TOKEN_AND_GRACE_SECONDS + 1, minutes)
    await wait_for(narrator, check, "abandoned", by="timer")
    return await read_result(narrator, check, Ending("abandoned"), status="abandoned")


async def _pass_time(narrator: Narrator, seconds: int, told: str) -> None:
    await narrator.use_control("POST", "clock", json={"advanceSeconds": seconds})
    await narrator.say("time", f"passes: {told}")
    url = narrator.app_url.removesuffix("/api") + "/admin/functions/sweep_stale_sessions"
    async with narrator.http.post(url, headers=MASTER_KEY, json={}) as answer:
        await narrator.say("timer", f"sweep_stale_sessions → {answer.status}")


def _number(*chapters: tuple[str, str, Callable[[Narrator], Awaitable[Ending]]]) -> list[Chapter]:
    return [
        Chapter(number=number, title=title, gist=gist, play=play)
        for number, (title, gist, play) in enumerate(chapters, start=1)
    ]


CHAPTERS: Sequence[Chapter] = _number(
    ("A real person passes", "a real person", _pass_a_real_person),
    (
        "A photo held before the camera is rejected",
        "a photo before the camera",
        _reject_a_photo,
    ),
    (
        "A real person, but not the one on the reference image, is rejected",
        "not the one on the image",
        _reject_somebody_else,
    ),
    (
        "A mask fails, the person takes it off and tries again",
        "a mask, then a real face",
        _try_again_after_a_mask,
    ),
    (
        "A frontend that reports another digest is not trusted",
        "another digest is reported",
        _distrust_another_digest,
    ),
    (
        "Somebody who knows the session's id, but not its token, gets nowhere",
        "a stranger with the id",
        _refuse_a_stranger,
    ),
    (
        "Face is away just when the check ends",
        "Face is away at the end",
        _outlast_an_outage_of_face,
    ),
    (
        "The Face key is rotated while a check runs",
        "the Face key is rotated",
        _outlast_a_rotated_key,
    ),
    (
        "Somebody starts a check and walks away",
        "somebody walks away",
        _sweep_an_abandoned_session,
    ),
    (
        "Somebody is enrolled by a check, and verified against it later",
        "enrolled, then verified",
        _verify_who_was_enrolled,
    ),
    (
        "A picture is kept, looked at, and purged with its record",
        "a picture, kept and purged",
        _keep_a_picture_and_purge_it,
    ),
    (
        "A photo, then a real face: two attempts of one check, and both count",
        "a photo, then a real face",
        _reject_a_photo_before_a_real_face,
    ),
    (
        "Somebody wants to be forgotten, and an operator sees to it",
        "a person is erased",
        _forget_a_person,
    ),
)
