"""Tells the demo's story: makes the calls, and prints who said what to whom."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

FUNCTION_KEY = {"x-functions-key": "local-function-key"}
MASTER_KEY = {"x-functions-key": "local-master-key"}

_PATIENCE_SECONDS = 45

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

    http: aiohttp.ClientSession
    app_url: str
    face_url: str
    chapters: int = 0
    _heard: int = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.chapters += 1
        _print(f"\n{_bold(f'{self.chapters}  {title}')}")

    def say(self, who: str, what: str) -> None:
        """Print one thing that somebody did."""
        _print(f"   {who:<9} {what}")

    def check(self, what: str, found: object, wanted: object) -> None:
        """Print that something is as it should be; StoryError if it is not."""
        if found != wanted:
            raise StoryError(f"{what}: expected {wanted!r}, found {found!r}")
        _print(f"   {_green('✓')} {what}")

    async def call(self, who: str, method: str, path: str, **options: Json) -> tuple[int, Json]:
        """Call the app for somebody, and print the call, the answer, and what Face was asked."""
        status, body = await self._request(method, self.app_url + path, **options)
        self.say(who, f"{method} /api{_short(path)}  →  {status}{_gist(body)}")
        await self._tell_face_calls()
        return status, body

    async def device(self, check: Check, outcome: str, meaning: str, **more: object) -> Json:
        """Play the device: it talks to Face with Face's token, never through the app."""
        headers = {"Authorization": f"Bearer {check.auth_token}"}
        body = {"outcome": outcome, **more}
        _, told = await self.control("POST", "attempts", json=body, headers=headers)
        self.say("device", f"{meaning}; Face tells it only {', '.join(told) or 'to wait'}")
        return told

    async def control(self, method: str, name: str, **options: Json) -> tuple[int, Json]:
        """Use a control of the Face simulator."""
        return await self._request(method, f"{self.face_url}/simulator/{name}", **options)

    async def until(self, what: str, fact: Callable[[], Awaitable[object]], wanted: object) -> None:
        """Wait until something is as it should be, and print it; StoryError if it never is."""
        for _ in range(_PATIENCE_SECONDS * 10):
            if await fact() == wanted:
                break
            await asyncio.sleep(0.1)
        self.check(what, await fact(), wanted)

    async def at_face(self) -> int:
        """Count the sessions that Face keeps."""
        _, sessions = await self.control("GET", "sessions")
        return len(sessions)

    async def _tell_face_calls(self) -> None:
        _, calls = await self.control("GET", "requests")
        told = [f"{call['method']} {call['status']}" for call in calls[self._heard :]]
        self._heard = len(calls)
        if told:
            self.say("", _faint(f"the app asked Face: {', '.join(told)}"))

    async def _request(self, method: str, url: str, **options: Json) -> tuple[int, Json]:
        async with self.http.request(method, url, **options) as response:
            body = await response.json() if response.content_type == "application/json" else None
            return response.status, body


def _gist(body: Json) -> str:
    if not isinstance(body, dict):
        return ""
    if "error" in body:
        return f"  {body['error']['code']}"
    told = [f"{name} {body[name]}" for name in ("status", "outcome") if body.get(name)]
    if body.get("reasons"):
        told.append(f"because {', '.join(body['reasons'])}")
    return f"  {', '.join(told)}" if told else ""


def _short(path: str) -> str:
    parts = path.split("/")
    return "/".join(f"{part[:6]}…" if len(part) == 33 else part for part in parts)  # noqa: PLR2004


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _bold(text: str) -> str:
    return _styled("1", text)


def _green(text: str) -> str:
    return _styled("32", text)


def _faint(text: str) -> str:
    return _styled("2", text)


def _styled(style: str, text: str) -> str:
    # https://no-color.org
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"
