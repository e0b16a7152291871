"""What happens in many chapters: a check is started, completed, waited for, and its result read."""

import secrets
from dataclasses import dataclass
from io import BytesIO

import aiohttp

from local.demo.narrator import Check, Narrator, StoryError, require

FUNCTION_KEY = {"x-functions-key": "local-function-key"}

NO_VERDICT = "none"

_OK, _CREATED = 200, 201


@dataclass(frozen=True, slots=True)
class Ending:
    """What a chapter came to: for the frontend, and for your server."""

    frontend_sees: str
    verdict: str = NO_VERDICT
    reasons: tuple[str, ...] = ()


async def start(narrator: Narrator, **fields: object) -> Check:
    """Start a check of somebody new, or of whom the fields name."""
    person = {"deviceCorrelationId": secrets.token_hex(8), **fields}
    return _check(
        await narrator.call("server", "POST", "/sessions", headers=FUNCTION_KEY, json=person)
    )


async def start_with_image(narrator: Narrator) -> Check:
    """Start a check that also compares the face with a reference image."""
    # Its first bytes are a JPEG's, and the simulator looks no further.
    image = BytesIO(b"\xff\xd8\xff\xe0" + secrets.token_bytes(4096))
    form = aiohttp.FormData({"deviceCorrelationId": secrets.token_hex(8)})
    form.add_field("verifyImage", image, filename="reference.jpg")
    manner = ", multipart with a reference image"
    return _check(
        await narrator.call(
            "server", "POST", "/sessions", manner=manner, headers=FUNCTION_KEY, data=form
        )
    )


async def complete(
    narrator: Narrator, check: Check, report: object = None, *, becomes: str = "completed"
) -> None:
    """Report as the frontend that its part is over."""
    path = f"/sessions/{check.session_id}/complete"
    _, body = await narrator.call("frontend", "POST", path, headers=check.token, json=report)
    found = (body["status"], "outcome" in body)
    require("what the frontend is told", found=found, wanted=(becomes, False))
    if not narrator.has_said_what_frontends_learn:
        narrator.has_said_what_frontends_learn = True
        await narrator.confirm(f"{becomes}: no frontend ever learns more than such a status")


async def wait_for(narrator: Narrator, check: Check, status: str, *, by: str) -> None:
    """Wait until the session has become something without a call from outside."""
    url = f"{narrator.app_url}/sessions/{check.session_id}"

    async def has_become() -> bool:
        async with narrator.http.get(url, headers=check.token) as answer:
            return bool((await answer.json())["status"] == status)

    await narrator.wait_until(f"the session was {status}", has_become)
    await narrator.wait_until_face_forgot()
    await narrator.credit_face_calls(by, "asks Face")
    await narrator.confirm(f"{status}, though nobody called; Face keeps nothing of it")


async def wait_for_image(narrator: Narrator, check: Check, state: str | None = "stored") -> None:
    """Wait until the session's picture is in a state, or until there is no session any more."""
    url = f"{narrator.app_url}/sessions/{check.session_id}/result"

    async def has_become() -> bool:
        async with narrator.http.get(url, headers=FUNCTION_KEY) as answer:
            return bool((await answer.json()).get("sessionImage") == state)

    await narrator.wait_until(f"the picture was {state or 'gone'}", has_become)
    await narrator.credit_face_calls("queue", "asks Face")


async def read_image(narrator: Narrator, check: Check, *, status: int) -> None:
    """Fetch the picture as your server."""
    path = f"/sessions/{check.session_id}/image"
    async with narrator.http.get(narrator.app_url + path, headers=FUNCTION_KEY) as answer:
        size = len(await answer.read())
        told = f", {size:,} bytes of {answer.content_type}" if answer.status == _OK else ""
        await narrator.say("server", f"GET {path[:17]}…/image → {answer.status}{told}")
        require("the answer to your server", found=answer.status, wanted=status)


async def read_result(
    narrator: Narrator, check: Check, ending: Ending, *, status: str = "completed"
) -> Ending:
    """Read as your server how it ended."""
    path = f"/sessions/{check.session_id}/result"
    _, body = await narrator.call("server", "GET", path, headers=FUNCTION_KEY)
    found = tuple((body or {}).get(name) for name in ("status", "outcome", "reasons"))
    outcome = None if ending.verdict == NO_VERDICT else ending.verdict
    require("the result", found=found, wanted=(status, outcome, list(ending.reasons)))
    if not narrator.has_shown_result:
        narrator.has_shown_result = True
        await narrator.show_json(body)
    because = f", because {', '.join(ending.reasons)}" if ending.reasons else ""
    await narrator.confirm(f"the verdict: {outcome}{because}" if outcome else "no verdict")
    return ending


def _check(answer: tuple[int, dict[str, str]]) -> Check:
    status, body = answer
    if status != _CREATED:
        raise StoryError(f"the session did not start: {status} {body}")
    return Check(
        session_id=body["sessionId"],
        auth_token=body["authToken"],
        session_token=body["sessionToken"],
    )
