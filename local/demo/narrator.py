"""Tells the demo's story: makes the calls, and shows who said what to whom."""

import asyncio
import json
import textwrap
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.demo.terminal import WIDTH, Terminal

_MAX_WAIT_SECONDS = 45
_ID_LENGTH = 33
_INDENT = " " * 13

type Json = Any


class StoryError(Exception):
    """The story did not go as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A session as the one who started it knows it."""

    session_id: str
    auth_token: str = field(repr=False)
    session_token: str = field(repr=False)

    @property
    def token(self) -> Mapping[str, str]:
        """The header that opens the session."""
        return {"X-Session-Token": self.session_token}


@dataclass(slots=True, kw_only=True)
class Narrator:
    """Everyone in the story, and the one who tells it."""

    terminal: Terminal
    http: aiohttp.ClientSession
    app_url: str
    face_url: str
    has_shown_result: bool = False
    has_said_what_frontends_learn: bool = False
    _credited: int = 0
    _kept_before: frozenset[str] = frozenset()

    async def begin_chapter(self, number: int, title: str) -> None:
        """Show the title; what was at Face before belongs to nobody in this chapter."""
        self._credited = len(await self.list_face_calls())
        self._kept_before = await self.list_face_sessions()
        await self.terminal.show(f"\n{number}  {title}", "bold")

    async def say(self, who: str, what: str) -> None:
        """Show one thing that somebody did."""
        await self.terminal.show(f"   {who:<9} {what}")

    async def confirm(self, what: str) -> None:
        """Show that something is as it should be."""
        self.terminal.write("   ")
        await self.terminal.show(f"✓ {what}", "green")

    async def call(
        self, who: str, method: str, path: str, *, manner: str = "", **options: Json
    ) -> tuple[int, Json]:
        """Call the app for somebody; show the call, the answer, and what Face was asked for it."""
        status, body = await self._request(method, self.app_url + path, **options)
        await self.say(who, f"{method} /api{_short(path)}{manner} → {status}{_gist(body)}")
        await self.credit_face_calls("", "for this the app asked Face")
        return status, body

    async def play_device(self, check: Check, outcome: str, act: str, **more: object) -> Json:
        """Play the device: it talks to Face with Face's token, never through the app."""
        headers = {"Authorization": f"Bearer {check.auth_token}"}
        body = {"outcome": outcome, **more}
        _, told = await self.use_control("POST", "attempts", json=body, headers=headers)
        await self.say("device", f"{act}; Face tells it only {', '.join(told) or 'to wait'}")
        return told

    async def use_control(self, method: str, name: str, **options: Json) -> tuple[int, Json]:
        """Use a control of the Face simulator."""
        return await self._request(method, f"{self.face_url}/simulator/{name}", **options)

    async def wait_until(self, what: str, fact: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so; StoryError if it never is."""
        for _ in range(_MAX_WAIT_SECONDS * 10):
            if await fact():
                return
            await asyncio.sleep(0.1)
        raise StoryError(f"it never came that {what}")

    async def wait_until_face_forgot(self) -> None:
        """Wait until Face keeps nothing of this chapter."""

        async def has_forgotten() -> bool:
            return await self.list_face_sessions() <= self._kept_before

        await self.wait_until("Face kept nothing of it", has_forgotten)

    async def credit_face_calls(self, who: str, what: str) -> None:
        """Show what Face was asked since the last time, and for whom."""
        calls = await self.list_face_calls()
        asked = Counter(f"{call['method']} {call['status']}" for call in calls[self._credited :])
        self._credited = len(calls)
        if asked:
            told = (f"{call} x{times}" if times > 1 else call for call, times in asked.items())
            await self.terminal.show(f"   {who:<9} {what}: {', '.join(told)}", "faint")

    async def list_face_calls(self) -> list[dict[str, Json]]:
        """List every call to Face so far."""
        _, calls = await self.use_control("GET", "requests")
        return list(calls)

    async def list_face_sessions(self) -> frozenset[str]:
        """Name the sessions that Face keeps."""
        _, sessions = await self.use_control("GET", "sessions")
        return frozenset(session["sessionId"] for session in sessions)

    async def show_json(self, body: Mapping[str, Json]) -> None:
        """Show what an answer says, a line for each of its facts where they fit."""
        facts = ",\n".join(_fact(name, value) for name, value in body.items())
        block = textwrap.indent(f"{{\n{textwrap.indent(facts, '  ')}\n}}", _INDENT)
        await self.terminal.show(block, "faint")

    async def _request(self, method: str, url: str, **options: Json) -> tuple[int, Json]:
        async with self.http.request(method, url, **options) as response:
            body = await response.json() if response.content_type == "application/json" else None
            return response.status, body


def require(what: str, *, found: object, wanted: object) -> None:
    """Go on only if something is as it should be; StoryError if it is not."""
    if found != wanted:
        raise StoryError(f"{what}: expected {wanted!r}, found {found!r}")


def _fact(name: str, value: Json) -> str:
    line = f"{json.dumps(name)}: {json.dumps(value)}"
    is_long = len(line) > WIDTH - len(_INDENT) - 3
    return f"{json.dumps(name)}: {json.dumps(value, indent=2)}" if is_long else line


def _gist(body: Json) -> str:
    if not isinstance(body, dict):
        return ""
    if "error" in body:
        return f" {body['error']['code']}"
    # A result is worth lines of its own.
    return "" if "outcome" in body else f" {body.get('status', '')}"


def _short(path: str) -> str:
    parts = path.split("/")
    return "/".join(f"{part[:6]}…" if len(part) == _ID_LENGTH else part for part in parts)
