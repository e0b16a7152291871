"""The story of the demo, chapter by chapter: each ends as it should, or the demo fails."""

import secrets
from collections.abc import Awaitable, Callable
from io import BytesIO

import aiohttp

from local.demo.narrator import FUNCTION_KEY, MASTER_KEY, Check, StoryError, Storyteller

_TOKEN_AND_GRACE_SECONDS = 600 + 300


async def tell(story: Storyteller) -> None:
    """Play every chapter."""
    for chapter in _CHAPTERS:
        await chapter(story)


async def _a_real_person(story: Storyteller) -> None:
    story.chapter("A real person passes")
    check = await _started(story)
    told = await story.device(check, "realface", "shows a real face")
    await _completed(story, check, {"digest": told["digest"]})
    await _ends(story, check, "passed")
    await story.until("Face keeps nothing of it any more", story.at_face, 0)


async def _a_spoof(story: Storyteller) -> None:
    story.chapter("A photo held before the camera is rejected")
    check = await _started(story)
    told = await story.device(check, "spoofface", "shows a photo of a face")
    await _completed(story, check, {"digest": told["digest"]})
    await _ends(story, check, "rejected", "Spoof")


async def _a_different_person(story: Storyteller) -> None:
    story.chapter("A real person, but not the one on the reference image, is rejected")
    check = await _started_with_verify(story)
    await story.device(
        check, "realface", "shows another face", isIdentical=False, matchConfidence=0.12
    )
    await _completed(story, check)
    await _ends(story, check, "rejected", "DifferentPerson")


async def _a_mask(story: Storyteller) -> None:
    story.chapter("A mask fails, the person takes it off and tries again")
    check = await _started(story)
    error = await story.device(check, "error:FaceWithMaskDetected", "sees a mask")
    await _completed(story, check, {"error": error}, status="started")
    told = await story.device(check, "realface", "shows a real face")
    await _completed(story, check, {"digest": told["digest"]})
    await _ends(story, check, "passed")


async def _a_swapped_digest(story: Storyteller) -> None:
    story.chapter("A frontend that reports another digest is not trusted")
    check = await _started(story)
    await story.device(check, "realface", "shows a real face")
    await _completed(story, check, {"digest": "0" * 64})
    await _ends(story, check, "untrusted", "DigestMismatch")


async def _a_stranger(story: Storyteller) -> None:
    story.chapter("Somebody who knows the session's id, but not its token, gets nowhere")
    check = await _started(story)
    path = f"/sessions/{check.session_id}"
    status, _ = await story.call("stranger", "GET", path, headers={"X-Session-Token": "guess"})
    story.check("to a stranger there is no such session", status, 404)
    status, _ = await story.call("frontend", "DELETE", path, headers=check.token)
    story.check("its own frontend may give it up", status, 204)


async def _face_is_away(story: Storyteller) -> None:
    story.chapter("Face is away just when the check ends")
    check = await _started(story)
    await story.device(check, "realface", "shows a real face")
    await story.control("POST", "faults", json={"operation": "get", "times": 99, "status": 503})
    story.say("Face", "answers every question with 503")
    await _completed(story, check, status="processing")
    await story.control("DELETE", "faults")
    story.say("Face", "is back")
    await _becomes(story, check, "completed")
    await _ends(story, check, "passed")


async def _a_rotated_key(story: Storyteller) -> None:
    story.chapter("The Face key is rotated while a check runs")
    check = await _started(story)
    await story.device(check, "realface", "shows a real face")
    await story.control("POST", "key", json={"key": secrets.token_hex(16)})
    story.say("operator", "rotates the key: Face takes only the new one, the vault serves it")
    await _completed(story, check)
    await _ends(story, check, "passed")


async def _an_abandoned_session(story: Storyteller) -> None:
    story.chapter("Somebody starts a check and walks away")
    check = await _started(story)
    await story.control("POST", "clock", json={"advanceSeconds": _TOKEN_AND_GRACE_SECONDS + 1})
    story.say("time", f"passes: {_TOKEN_AND_GRACE_SECONDS // 60} minutes")
    url = story.app_url.removesuffix("/api") + "/admin/functions/sweep_stale_sessions"
    async with story.http.post(url, headers=MASTER_KEY, json={}) as answer:
        story.say("timer", f"sweep_stale_sessions  →  {answer.status}")
    await _becomes(story, check, "abandoned")
    await _ends(story, check, None, status="abandoned")
    await story.until("Face keeps nothing of it any more", story.at_face, 0)


_CHAPTERS: tuple[Callable[[Storyteller], Awaitable[None]], ...] = (
    _a_real_person,
    _a_spoof,
    _a_different_person,
    _a_mask,
    _a_swapped_digest,
    _a_stranger,
    _face_is_away,
    _a_rotated_key,
    _an_abandoned_session,
)


async def _started(story: Storyteller) -> Check:
    device = {"deviceCorrelationId": secrets.token_hex(8)}
    return _check(
        await story.call("server", "POST", "/sessions", headers=FUNCTION_KEY, json=device)
    )


async def _started_with_verify(story: Storyteller) -> Check:
    # Its first bytes are a JPEG's, and the simulator looks no further.
    image = BytesIO(b"\xff\xd8\xff\xe0" + secrets.token_bytes(4096))
    form = aiohttp.FormData({"deviceCorrelationId": secrets.token_hex(8)})
    form.add_field("verifyImage", image, filename="reference.jpg")
    return _check(await story.call("server", "POST", "/sessions", headers=FUNCTION_KEY, data=form))


def _check(answer: tuple[int, dict[str, str]]) -> Check:
    status, body = answer
    if status != 201:  # noqa: PLR2004
        raise StoryError(f"the session did not start: {body}")
    return Check(
        session_id=body["sessionId"],
        auth_token=body["authToken"],
        session_token=body["sessionToken"],
    )


async def _completed(
    story: Storyteller, check: Check, report: object = None, *, status: str = "completed"
) -> None:
    path = f"/sessions/{check.session_id}/complete"
    _, body = await story.call("frontend", "POST", path, headers=check.token, json=report)
    story.check(f"the frontend learns no more than that it is {status}", body["status"], status)


async def _becomes(story: Storyteller, check: Check, status: str) -> None:
    url = f"{story.app_url}/sessions/{check.session_id}"

    async def found() -> object:
        async with story.http.get(url, headers=check.token) as answer:
            return (await answer.json())["status"]

    await story.until(f"the session becomes {status}, though nobody asks again", found, status)


async def _ends(
    story: Storyteller,
    check: Check,
    outcome: str | None,
    *reasons: str,
    status: str = "completed",
) -> None:
    path = f"/sessions/{check.session_id}/result"
    _, body = await story.call("server", "GET", path, headers=FUNCTION_KEY)
    found = (body["status"], body["outcome"], body["reasons"])
    story.check(f"the verdict: {outcome or status}", found, (status, outcome, list(reasons)))
