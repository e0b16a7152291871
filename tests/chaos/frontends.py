"""Act the scripts: each as a frontend, its device and now and then its server would."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import aiohttp

from tests.chaos.history import Asked, History, Opened, Played, now
from tests.chaos.scripts import (
    Again,
    Ask,
    Cancel,
    Consume,
    Play,
    Report,
    Script,
    Step,
    Together,
)
from tests.chaos.system import System
from tests.support.constants import FUNCTION_KEY

_PATIENCE_SECONDS = 20.0
_MAX_CREATES = 15
_AGAIN = {0, 409, 502, 503}
_CREATED, _CONFLICT, _TAKEN = 201, 409, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call to the app."""

    act: str
    method: str
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    form: aiohttp.FormData | None = None
    patience: float = _PATIENCE_SECONDS


async def act(system: System, history: History) -> None:
    """Act one script to its end."""
    script = history.script
    await asyncio.sleep(script.starts_at)
    if script.creates_at_once > 1:
        await asyncio.gather(*(_create(system, history) for _ in range(script.creates_at_once)))
    for _ in range(_MAX_CREATES):
        if history.opened or await _create(system, history) not in _AGAIN:
            break
        # The key has its session, whose tokens were lost with the answer: begin another.
        history.new_keys += history.asked[-1].is_repeat
        await asyncio.sleep(0.5)
    if history.opened:
        for step in script.steps:
            await _do(system, history, step)


async def _do(system: System, history: History, step: Step) -> None:
    await asyncio.sleep(step.pause)
    match step:
        case Play():
            await _play(system, history, step)
        case Report():
            await _report(system, history, step)
        case Cancel():
            await _insist(system, history, _Call(act="cancel", method="DELETE"), step.insists)
        case Ask(what="status"):
            await _ask(system, history, _Call(act="status", method="GET"))
        case Consume(consumer=consumer):
            body = {"consumer": consumer}
            path = "/result/consume"
            await _ask(system, history, _Call(act="consume", method="POST", path=path, json=body))
        case Ask():
            await _ask(system, history, _Call(act="result", method="GET", path="/result"))
        case Again():
            await _create(system, history)
        case Together():
            await asyncio.gather(*(_do(system, history, each) for each in step.steps))


async def _create(system: System, history: History) -> int:
    script, sent = history.script, now()
    # Only the first answer is lost for want of patience; later ones are waited for.
    patience = _PATIENCE_SECONDS if history.creates else script.patience
    key = history.key
    headers = FUNCTION_KEY | ({"Idempotency-Key": key} if key else {})
    order = _order(script, key)
    call = _Call(act="create", method="POST", headers=headers, patience=patience, **order)
    status, body, comes_back = await _send(system, call)
    opened = _opened(body) if status == _CREATED else None
    asked = Asked(
        act="create",
        opened=opened,
        sent=sent,
        answered=now(),
        status=status,
        code=_code(body),
        key=key,
        comes_back=comes_back,
    )
    history.asked.append(asked)
    if opened:
        history.opened.append(opened)
    return status


async def _play(system: System, history: History, play: Play) -> None:
    opened, sent = history.opened[-1], now()
    verify = play.overrides if history.script.with_verify else {}
    body = {"outcome": play.outcome, **verify}
    status, told = await system.control("POST", "attempts", body, opened.auth_token)
    played = Played(
        face_session_id=opened.face_session_id,
        play=Play(outcome=play.outcome, overrides=verify),
        sent=sent,
        answered=now(),
        taken=status == _TAKEN,
        digest=(told or {}).get("digest"),
    )
    history.played.append(played)


async def _report(system: System, history: History, report: Report) -> None:
    right = next((one.digest for one in reversed(history.played) if one.digest), None)
    digest = {
        "right": right,
        "wrong": hashlib.sha256(b"wrong").hexdigest(),
        "other": hashlib.sha256(b"other").hexdigest(),
    }.get(report.digest)
    body: dict[str, Any] = {"digest": digest} if digest else {}
    if report.error:
        body["error"] = {"livenessError": report.error}
    call = _Call(act="complete", method="POST", path="/complete", json=body or None)
    await _insist(system, history, call, report.insists)


async def _insist(system: System, history: History, call: _Call, times: int) -> None:
    for _ in range(1 + times):
        if await _ask(system, history, call) not in _AGAIN:
            return
        await asyncio.sleep(0.4)


async def _ask(system: System, history: History, call: _Call) -> int:
    opened, sent = history.opened[-1], now()
    token = {"X-Session-Token": opened.session_token}
    headers = FUNCTION_KEY if call.act in {"result", "consume"} else token
    about = replace(call, path=f"/{opened.session_id}{call.path}", headers=headers)
    status, body, comes_back = await _send(system, about)
    given = call.json or {}
    asked = Asked(
        act=call.act,
        opened=opened,
        sent=sent,
        answered=now(),
        status=status,
        told=body.get("status"),
        outcome=body.get("outcome"),
        code=_code(body),
        # One that comes with an error does not count.
        digest=None if given.get("error") else given.get("digest"),
        error=given.get("error", {}).get("livenessError"),
        consumer=given.get("consumer"),
        comes_back=comes_back,
    )
    history.asked.append(asked)
    return status


async def _send(system: System, call: _Call) -> tuple[int, dict[str, Any], bool]:
    url = f"{system.host.next_url()}/sessions{call.path}"
    try:
        async with system.http.request(
            call.method,
            url,
            timeout=aiohttp.ClientTimeout(total=call.patience),
            headers=call.headers,
            json=call.json,
            data=call.form,
        ) as answer:
            text = await answer.text()
            body = json.loads(text) if text else {}
            return answer.status, body, "Retry-After" in answer.headers
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0, {}, False


def _order(script: Script, key: str | None) -> dict[str, Any]:
    person = "userCorrelationId" if script.by_user else "deviceCorrelationId"
    fields = {"deviceCorrelationId": key or f"device-{script.number}", person: script.person}
    more = {
        "authTokenTimeToLiveInSeconds": script.token_seconds,
        "enableSessionImage": script.with_image,
    }
    if not script.with_verify:
        return {"json": {**fields, **more}}
    form = aiohttp.FormData({**fields, **{name: json.dumps(more[name]) for name in more}})
    image = b"\xff\xd8\xff\xe0" + hashlib.sha256(str(script.number).encode()).digest() * 64
    form.add_field("verifyImage", BytesIO(image), filename="me.jpg")
    return {"form": form}


def _opened(body: dict[str, Any]) -> Opened:
    return Opened(
        session_id=body["sessionId"],
        auth_token=body["authToken"],
        session_token=body["sessionToken"],
        face_session_id=_face_session_of(body["authToken"]),
    )


def _face_session_of(auth_token: str) -> str:
    # The simulator's token names its session; to the app it is an opaque text.
    claims = auth_token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"])


def _code(body: dict[str, Any]) -> str | None:
    code = body.get("error", {}).get("code")
    return None if code is None else str(code)
