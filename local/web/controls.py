"""The page's buttons: what may happen to a check, by way of the stack's own controls."""

import secrets
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from local.faults.wire import Handler
from local.functions_host.keys import HostKeys
from local.ports import HOST, Ports

_MASTER = {"x-functions-key": HostKeys().master}
_ALWAYS = 1_000_000
_TOKEN_SECONDS, _GRACE_SECONDS = 600, 300


class Controls:
    """One act for each button."""

    def __init__(self, http: aiohttp.ClientSession, ports: Ports) -> None:
        """Act on this stack."""
        self._http = http
        self._simulator = f"http://{HOST}:{ports.face}/simulator"
        self._sweep_url = f"http://{HOST}:{ports.host}/admin/functions/sweep_stale_sessions"

    def routes(self) -> list[web.RouteDef]:
        """Give every act an address."""
        acts = {
            "take-face-away": self._take_face_away,
            "bring-face-back": self._bring_face_back,
            "rotate-key": self._rotate_key,
            "expire-token": self._expire_token,
            "walk-away": self._walk_away,
            "sweep": self._sweep,
        }
        return [web.post(f"/server/controls/{name}", _answer(act)) for name, act in acts.items()]

    async def _take_face_away(self) -> None:
        fault = {"operation": "any", "times": _ALWAYS, "status": 503}
        await self._post(f"{self._simulator}/faults", fault)

    async def _bring_face_back(self) -> None:
        async with self._http.delete(f"{self._simulator}/faults", raise_for_status=True):
            pass

    async def _rotate_key(self) -> None:
        await self._post(f"{self._simulator}/key", {"key": secrets.token_hex(16)})

    async def _expire_token(self) -> None:
        await self._pass_time(_TOKEN_SECONDS + 1)

    async def _walk_away(self) -> None:
        """Let so much time pass that nobody will come back, and have it noticed."""
        await self._pass_time(_TOKEN_SECONDS + _GRACE_SECONDS + 1)
        await self._sweep()

    async def _sweep(self) -> None:
        await self._post(self._sweep_url, {})

    async def _pass_time(self, seconds: int) -> None:
        await self._post(f"{self._simulator}/clock", {"advanceSeconds": seconds})

    async def _post(self, url: str, body: object) -> None:
        async with self._http.post(url, json=body, headers=_MASTER, raise_for_status=True):
            pass


def _answer(act: Callable[[], Awaitable[None]]) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        await act()
        return web.Response(status=204)

    return answer
