"""The managed-identity endpoint of App Service, protocol 2019-08-01, and the keys of its tokens."""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web

from local.azure.access_tokens import TokenIssuer
from local.azure.app_registration import AppRegistration
from local.faults import wire
from local.faults.fault import FaultQueue

PATH = "/msi/token"
HEADER = "local-identity-header"

_VERSION = "2019-08-01"
_ISSUER = "local-identity"
_LIFE = timedelta(hours=24)
_SYSTEM_ASSIGNED = "00000000-0000-0000-0000-000000000001"


class IdentitySimulator:
    """Issues tokens for whatever resource is asked for, to whoever knows the header."""

    def __init__(
        self,
        issuer: TokenIssuer,
        registration: AppRegistration,
        faults: FaultQueue,
        now: Callable[[], datetime],
    ) -> None:
        """Issue on real time: the SDKs' token caches know no other."""
        self._issuer = issuer
        self._registration = registration
        self._faults = faults
        self._now = now

    def application(self) -> web.Application:
        """Build the web application."""
        app = web.Application()
        app.router.add_get(PATH, self._serve(self._token))
        app.add_routes(self.key_routes())
        return app

    def key_routes(self) -> list[web.RouteDef]:
        """List where the keys are published: here, and wherever else Entra is to be."""
        return [web.get("/{tenant}/discovery/v2.0/keys", self._serve(self._keys))]

    def bring_token(self) -> dict[str, str]:
        """Come to the app with a token of its own audience, as a server of yours would."""
        token = self._token_body(self._registration.audience, None)["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def _serve(self, handler: Callable[[web.Request], web.Response]) -> wire.Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            async def carry_out() -> web.StreamResponse:
                return handler(request)

            return await wire.answer(request, self._faults.take("identity"), carry_out)

        return serve

    # https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
    def _token(self, request: web.Request) -> web.Response:
        header = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(header.encode(), HEADER.encode()):
            return _error(401, "the X-IDENTITY-HEADER is missing or wrong")
        if request.query.get("api-version") != _VERSION:
            return _error(400, f"the api-version must be {_VERSION}")
        resource = request.query.get("resource")
        if not resource:
            return _error(400, "the resource is missing")
        return web.json_response(self._token_body(resource, request.query.get("client_id")))

    # https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signature
    def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self._issuer.public_keys})

    def _token_body(self, resource: str, client_id: str | None) -> dict[str, str]:
        now = self._now()
        expires_on = int((now + _LIFE).timestamp())
        app_id = client_id or _SYSTEM_ASSIGNED
        claims = {
            "iss": _ISSUER,
            "aud": resource,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": expires_on,
            "appid": app_id,
        }
        if resource == self._registration.audience:
            claims |= self._registration.claims(app_id)
        return {
            "access_token": self._issuer.issue(claims),
            "expires_on": str(expires_on),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": app_id,
        }


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
