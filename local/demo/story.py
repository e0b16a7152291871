"""The story of the demo, chapter by chapter: each ends as it should, or the demo fails."""

import secrets
from collections.abc import Awaitable, Callable
from io import BytesIO

import aiohttp

from local.demo.narrator import FUNCTION_KEY, MASTER_KEY, Check, Narrator, StoryError

_TOKEN_AND_GRACE_SECONDS = 600 + 300


async def tell(narrator: Narrator) -> None:
    """Play every chapter."""
    for chapter in _CHAPTERS:
        await chapter(narrator)


async def _a_real_person(narrator: Narrator) -> None:
    narrator.chapter("A real person passes")
    check = await _started(narrator)
    told = await narrator.device(check, "realface", "shows a real face")
    await _completed(narrator, check, {"digest": told["digest"]})
    await _ends(narrator, check, "passed")
    await narrator.until("Face keeps nothing of it any more", narrator.at_face, 0)


async def _a_spoof(narrator: Narrator) -> None:
    narrator.chapter("A photo held before the camera is rejected")
    check = await _started(narrator)
    told = await narrator.device(check, "spoofface", "shows a photo of a face")
    await _completed(narrator, check, {"digest": told["digest"]})
    await _ends(narrator, check, "rejected", "Spoof")


async def _a_different_person(narrator: Narrator) -> None:
    narrator.chapter("A real person, but not the one on the reference image, is rejected")
    check = await _started_with_verify(narrator)
    await narrator.device(
        check, "realface", "shows another face", isIdentical=False, matchConfidence=0.12
    )
    await _completed(narrator, check)
    await _ends(narrator, check, "rejected", "DifferentPerson")


async def _a_mask(narrator: Narrator) -> None:
    narrator.chapter("A mask fails, the person takes it off and tries again")
    check = await _started(narrator)
    error = await narrator.device(check, "error:FaceWithMaskDetected", "sees a mask")
    await _completed(narrator, check, {"error": error}, status="started")
    told = await narrator.device(check, "realface", "shows a real face")
    await _completed(narrator, check, {"digest": told["digest"]})
    await _ends(narrator, check, "passed")


async def _a_swapped_digest(narrator: Narrator) -> None:
    narrator.chapter("A frontend that reports another digest is not trusted")
    check = await _started(narrator)
    await narrator.device(check, "realface", "shows a real face")
    await _completed(narrator, check, {"digest": "0" * 64})
    await _ends(narrator, check, "untrusted", "DigestMismatch")


async def _a_stranger(narrator: Narrator) -> None:
    narrator.chapter("Somebody who knows the session's id, but not its token, gets nowhere")
    check = await _started(narrator)
    path = f"/sessions/{check.session_id}"
    status, _ = await narrator.call("stranger", "GET", path, headers={"X-Session-Token": "guess"})
    narrator.check("to a stranger there is no such session", status, 404)
    status, _ = await narrator.call("frontend", "DELETE", path, headers=check.token)
    narrator.check("its own frontend may give it up", status, 204)


async def _face_is_away(narrator: Narrator) -> None:
    narrator.chapter("Face is away just when the check ends")
    check = await _started(narrator)
    await narrator.device(check, "realface", "shows a real face")
    await narrator.control("POST", "faults", json={"operation": "get", "times": 99, "status": 503})
    narrator.say("Face", "answers every question with 503")
    await _completed(narrator, check, status="processing")
    await narrator.control("DELETE", "faults")
    narrator.say("Face", "is back")
    await _becomes(narrator, check, "completed")
    await _ends(narrator, check, "passed")


async def _a_rotated_key(narrator: Narrator) -> None:
    narrator.chapter("The Face key is rotated while a check runs")
    check = await _started(narrator)
    await narrator.device(check, "realface", "shows a real face")
    await narrator.control("POST", "key", json={"key": secrets.token_hex(16)})
    narrator.say("operator", "rotates the key: Face takes only the new one, the vault serves it")
    await _completed(narrator, check)
    await _ends(narrator, check, "passed")


async def _an_abandoned_session(narrator: Narrator) -> None:
    narrator.chapter("Somebody starts a check and walks away")
    check = await _started(narrator)
    await narrator.control("POST", "clock", json={"advanceSeconds": _TOKEN_AND_GRACE_SECONDS + 1})
    narrator.say("time", f"passes: {_TOKEN_AND_GRACE_SECONDS // 60} minutes")
    url = narrator.app_url.removesuffix("/api") + "/admin/functions/sweep_stale_sessions"
    async with narrator.http.post(url, headers=MASTER_KEY, json={}) as answer:
        narrator.say("timer", f"sweep_stale_sessions  →  {answer.status}")
    await _becomes(narrator, check, "abandoned")
    await _ends(narrator, check, None, status="abandoned")
    await narrator.until("Face keeps nothing of it any more", narrator.at_face, 0)


_CHAPTERS: tuple[Callable[[Narrator], Awaitable[None]], ...] = (
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


async def _started(narrator: Narrator) -> Check:
    device = {"deviceCorrelationId": secrets.token_hex(8)}
    return _check(
        await narrator.call("server", "POST", "/sessions", headers=FUNCTION_KEY, json=device)
    )


async def _started_with_verify(narrator: Narrator) -> Check:
    # Its first bytes are a JPEG's, and the simulator looks no further.
    image = BytesIO(b"\xff\xd8\xff\xe0" + secrets.token_bytes(4096))
    form = aiohttp.FormData({"deviceCorrelationId": secrets.token_hex(8)})
    form.add_field("verifyImage", image, filename="reference.jpg")
    return _check(
        await narrator.call("server", "POST", "/sessions", headers=FUNCTION_KEY, data=form)
    )


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
    narrator: Narrator, check: Check, report: object = None, *, status: str = "completed"
) -> None:
    path = f"/sessions/{check.session_id}/complete"
    _, body = await narrator.call("frontend", "POST", path, headers=check.token, json=report)
    narrator.check(f"the frontend learns no more than that it is {status}", body["status"], status)


async def _becomes(narrator: Narrator, check: Check, status: str) -> None:
    url = f"{narrator.app_url}/sessions/{check.session_id}"

    async def found() -> object:
        async with narrator.http.get(url, headers=check.token) as answer:
            return (await answer.json())["status"]

    await narrator.until(f"the session becomes {status}, though nobody asks again", found, status)


async def _ends(
    narrator: Narrator,
    check: Check,
    outcome: str | None,
    *reasons: str,
    status: str = "completed",
) -> None:
    path = f"/sessions/{check.session_id}/result"
    _, body = await narrator.call("server", "GET", path, headers=FUNCTION_KEY)
    found = (body["status"], body["outcome"], body["reasons"])
    narrator.check(f"the verdict: {outcome or status}", found, (status, outcome, list(reasons)))
