"""The control routes: how tests, the demo and people script what happens. They need no key."""

from collections.abc import Mapping

from aiohttp import web

from local.azure.access_tokens import TokenIssuer, bearer
from local.azure.app_registration import AppRegistration
from local.azure.vault_secret import VaultSecret
from local.azure_error import error_body
from local.clock import StackClock
from local.face import control_bodies
from local.face.account import FaceAccount, TokenRefusedError
from local.face.request_log import RequestLog
from local.faults.fault import FaultQueue
from local.faults.wire import Handler

PREFIX = "/simulator/"

# A page in development may play the device; Face itself allows no such thing from elsewhere.
_FROM_ANYWHERE: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "authorization, content-type",
}


class FaceControl:
    """Moves what the simulators share: sessions, faults, keys, roles, the clock."""

    def __init__(  # noqa: PLR0913 - whatever can be controlled
        self,
        account: FaceAccount,
        *,
        key: VaultSecret,
        clock: StackClock,
        faults: FaultQueue,
        log: RequestLog,
        issuer: TokenIssuer,
        registration: AppRegistration,
    ) -> None:
        """Control this account and what surrounds it."""
        self._account = account
        self._key = key
        self._clock = clock
        self._faults = faults
        self._log = log
        self._issuer = issuer
        self._registration = registration

    def routes(self) -> list[web.RouteDef]:
        """List the control routes."""
        return [
            web.post("/simulator/attempts", self._play_attempt),
            web.post("/simulator/faults", self._add_fault),
            web.delete("/simulator/faults", self._end_faults),
            web.get("/simulator/requests", self._list_requests),
            web.get("/simulator/sessions", self._list_sessions),
            web.post("/simulator/reference", self._set_reference_quality),
            web.post("/simulator/key", self._rotate_key),
            web.post("/simulator/clock", self._advance_clock),
            web.post("/simulator/roles", self._set_roles),
            web.post("/simulator/signing-key", self._rotate_signing_key),
            web.options("/simulator/{any:.*}", _answer_preflight),
        ]

    async def _play_attempt(self, request: web.Request) -> web.Response:
        token = bearer(request.headers.get("Authorization"))
        script = control_bodies.scripted_attempt(await request.read())
        return web.json_response(self._account.play(token, script))

    async def _add_fault(self, request: web.Request) -> web.Response:
        self._faults.add(control_bodies.fault(await request.read()))
        return _no_content()

    async def _end_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return _no_content()

    async def _list_requests(self, _request: web.Request) -> web.Response:
        return web.json_response(self._log.as_json())

    async def _list_sessions(self, _request: web.Request) -> web.Response:
        return web.json_response(self._account.alive())

    async def _set_reference_quality(self, request: web.Request) -> web.Response:
        self._account.reference_quality = control_bodies.quality(await request.read())
        return _no_content()

    async def _rotate_key(self, request: web.Request) -> web.Response:
        self._key.rotate(control_bodies.key(await request.read()))
        return _no_content()

    async def _advance_clock(self, request: web.Request) -> web.Response:
        self._clock.advance(control_bodies.seconds(await request.read()))
        return _no_content()

    async def _set_roles(self, request: web.Request) -> web.Response:
        self._registration.roles = control_bodies.roles(await request.read())
        return _no_content()

    async def _rotate_signing_key(self, _request: web.Request) -> web.Response:
        self._issuer.rotate()
        return _no_content()


async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a control call; a wrong one is told what is wrong."""
    try:
        return await handler(request)
    except control_bodies.BadControlError as error:
        return web.json_response(error_body("InvalidRequest", str(error)), status=400)
    except TokenRefusedError as error:
        return web.json_response(error_body("401", str(error)), status=401)


async def stamp(_request: web.Request, response: web.StreamResponse) -> None:
    """Let any page read the answer."""
    response.headers.update(_FROM_ANYWHERE)


async def _answer_preflight(_request: web.Request) -> web.Response:
    return _no_content()


def _no_content() -> web.Response:
    return web.Response(status=204)
