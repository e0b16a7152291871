"""A Key Vault that holds a few secrets: its secrets API, its challenge, its refusals."""

from collections.abc import Callable, Iterable
from datetime import datetime

from aiohttp import web

from local.azure.access_tokens import TokenIssuer, bearer
from local.azure.vault_secret import VaultSecret, Version
from local.azure_error import Json, error_body
from local.faults import wire
from local.faults.fault import FaultQueue

_TENANT = "00000000-0000-0000-0000-00000000000a"


class VaultSimulator:
    """Serves the secrets to tokens that our own identity endpoint issued for this vault."""

    def __init__(
        self,
        secrets: Iterable[VaultSecret],
        issuer: TokenIssuer,
        faults: FaultQueue,
        now: Callable[[], datetime],
    ) -> None:
        """Take the tokens of this issuer, until they expire in real time."""
        self._secrets = tuple(secrets)
        self._issuer = issuer
        self._faults = faults
        self._now = now

    def application(self) -> web.Application:
        """Build the web application; the SDK asks for the newest version by an empty one."""
        app = web.Application()
        app.router.add_get("/secrets/{name}", self._serve)
        app.router.add_get("/secrets/{name}/{version:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        async def carry_out() -> web.StreamResponse:
            return self._answer(request)

        return await wire.answer(request, self._faults.take("vault"), carry_out)

    def _answer(self, request: web.Request) -> web.Response:
        token = bearer(request.headers.get("Authorization"))
        if token is None:
            return self._challenge(request, "AKV10000: Request is missing a Bearer token.")
        claims = self._issuer.read(token)
        if claims is None or claims.get("aud") != _resource(request):
            return _error(403, "Forbidden", "The token is not for this vault.")
        if float(str(claims["exp"])) <= self._now().timestamp():
            return self._challenge(request, "AKV10013: The token has expired.")
        if "api-version" not in request.query:
            return _error(400, "BadParameter", "api-version must be specified")
        return self._secret_answer(request)

    def _secret_answer(self, request: web.Request) -> web.Response:
        name, version = request.match_info["name"], request.match_info.get("version", "")
        found = next(filter(None, (each.find(name, version) for each in self._secrets)), None)
        if found is None:
            message = f"A secret with (name/id) {name} was not found in this key vault."
            return _error(404, "SecretNotFound", message)
        return web.json_response(_bundle(request, name, found))

    def _challenge(self, request: web.Request, message: str) -> web.Response:
        authority = f"https://login.microsoftonline.com/{_TENANT}"
        challenge = f'Bearer authorization="{authority}", resource="{_resource(request)}"'
        body = error_body("Unauthorized", message)
        return web.json_response(body, status=401, headers={"WWW-Authenticate": challenge})


def _resource(request: web.Request) -> str:
    # The SDK wants the vault's host to be one label below the resource, 127 below 0.0.1:
    # https://devblogs.microsoft.com/azure-sdk/guidance-for-applications-using-the-key-vault-libraries/
    return f"https://0.0.1:{request.url.port}"


def _bundle(request: web.Request, name: str, version: Version) -> Json:
    return {
        "value": version.value,
        "id": f"https://{request.host}/secrets/{name}/{version.version}",
        "attributes": {
            "enabled": True,
            "created": version.created_at,
            "updated": version.created_at,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {},
    }


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response(error_body(code, message), status=status)
