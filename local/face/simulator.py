"""Face v1.2 over HTTP, as the live service behaves; its rules are in `account`."""

import hmac
import uuid
from functools import partial

from aiohttp import BodyPartReader, web

from local.azure.access_tokens import TokenIssuer, bearer
from local.azure.vault_secret import VaultSecret
from local.azure_error import error_body
from local.face.account import FaceAccount
from local.face.create_request import (
    FaceRefusal,
    Part,
    create_request_from_json,
    create_request_from_parts,
)
from local.face.picture_routes import PictureRoutes, operation_of
from local.face.request_log import RequestLog
from local.face.sessions import CreateRequest, Kind
from local.faults import wire
from local.faults.fault import FaultQueue

ENTRA_AUDIENCE = "https://cognitiveservices.azure.com"

_KINDS = {
    "detectLiveness-sessions": Kind.LIVENESS,
    "detectLivenessWithVerify-sessions": Kind.LIVENESS_WITH_VERIFY,
}
_SESSIONS = f"/face/v1.2/{{family:{'|'.join(_KINDS)}}}"
_OPERATIONS = {"POST": "create", "GET": "get", "DELETE": "delete"}

_ON_EVERY_ANSWER = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "x-envoy-upstream-service-time": "1",
    "x-ms-region": "Local",
}
_BILLED = {"CSP-Billing-Usage": "CognitiveServices.Face.Transaction=1"}
_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
    "valid key for an active subscription and use a correct regional API endpoint."
)


class FaceSimulator:
    """The routes of one Face account, which takes the vault's key or an Entra token."""

    def __init__(
        self,
        account: FaceAccount,
        *,
        key: VaultSecret,
        entra: TokenIssuer,
        faults: FaultQueue,
        log: RequestLog,
    ) -> None:
        """Serve this account; a call first meets the faults that wait for it."""
        self._account = account
        self._pictures = PictureRoutes(account)
        self._key = key
        self._entra = entra
        self._faults = faults
        self._log = log

    def routes(self) -> list[web.RouteDef]:
        """List the operations; paths are matched exactly, as Face does."""
        return [
            web.post(_SESSIONS, self._create),
            web.get(f"{_SESSIONS}/{{session_id}}", self._get, allow_head=False),
            web.delete(f"{_SESSIONS}/{{session_id}}", self._delete),
            *self._pictures.routes(),
        ]

    async def serve(self, request: web.Request, handler: wire.Handler) -> web.StreamResponse:
        """Record the call, let a waiting fault befall it, and answer in Face's manner."""
        call = self._log.record(request.method, request.path)
        operation = _operation(request)
        fault = self._faults.take(operation) if operation else None
        carry_out = partial(self._carry_out, request, handler)
        response = await wire.answer(request, fault, carry_out)
        call.status = wire.sent_status(response)
        return response

    async def _carry_out(self, request: web.Request, handler: wire.Handler) -> web.StreamResponse:
        try:
            if _operation(request):
                self._authorize(request)
            return await handler(request)
        except FaceRefusal as refusal:
            body = error_body(refusal.code, refusal.message)
            return web.json_response(body, status=refusal.status)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return web.json_response(error_body("404", "Resource not found"), status=404)

    def _authorize(self, request: web.Request) -> None:
        key = request.headers.get("Ocp-Apim-Subscription-Key", "")
        if hmac.compare_digest(key.encode(), self._key.current.value.encode()):
            return
        token = bearer(request.headers.get("Authorization")) or ""
        claims = self._entra.read(token) or {}
        if str(claims.get("aud")).rstrip("/") != ENTRA_AUDIENCE:
            raise FaceRefusal(401, "401", _DENIED)

    async def _create(self, request: web.Request) -> web.Response:
        has_image = _kind(request) is Kind.LIVENESS_WITH_VERIFY
        read = _read_form if has_image else _read_json
        return web.json_response(self._account.create(await read(request)))

    async def _get(self, request: web.Request) -> web.Response:
        session_id = request.match_info["session_id"]
        return web.json_response(self._account.get(_kind(request), session_id))

    async def _delete(self, request: web.Request) -> web.Response:
        self._account.delete(_kind(request), request.match_info["session_id"])
        return web.Response(status=204)


async def stamp(_request: web.Request, response: web.StreamResponse) -> None:
    """Put on an answer what Face puts on every one, and on successes what they cost."""
    response.headers["apim-request-id"] = str(uuid.uuid4())
    response.headers.update(_ON_EVERY_ANSWER)
    if response.status < 300:  # noqa: PLR2004 - where HTTP's successes end
        response.headers.update(_BILLED)


def _operation(request: web.Request) -> str | None:
    is_session = "family" in request.match_info
    return _OPERATIONS[request.method] if is_session else operation_of(request)


def _kind(request: web.Request) -> Kind:
    return _KINDS[request.match_info["family"]]


async def _read_json(request: web.Request) -> CreateRequest:
    if request.content_type != "application/json":
        raise FaceRefusal(400, "InvalidRequestBody", "The request body must be JSON.")
    return create_request_from_json(await request.read())


async def _read_form(request: web.Request) -> CreateRequest:
    if request.content_type != "multipart/form-data":
        raise FaceRefusal(400, "InvalidRequestBody", "The request body must be a form.")
    try:
        parts = [await _read_part(part) async for part in await request.multipart()]
    except (ValueError, AssertionError) as error:  # aiohttp's words for a form it cannot read
        raise FaceRefusal(400, "InvalidRequestBody", "The form cannot be read.") from error
    return create_request_from_parts(parts)


async def _read_part(part: object) -> Part:
    if not isinstance(part, BodyPartReader) or part.name is None:
        raise FaceRefusal(400, "InvalidRequestBody", "Every part needs a name.")
    content = bytes(await part.read())
    return Part(name=part.name, filename=part.filename, content=content)
