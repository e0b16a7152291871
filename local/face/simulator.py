"""Face v1.2 over HTTP, as the live service behaves; its rules are in `face_account`."""

import hmac
import uuid
from functools import partial

from aiohttp import BodyPartReader, web

from local.azure.access_tokens import TokenIssuer, bearer
from local.azure.vault_secret import VaultSecret
from local.azure_error import failed
from local.face.account import FaceAccount
from local.face.create_request import FaceRefusal, Part, order_from_json, order_from_parts
from local.face.request_log import RequestLog
from local.face.sessions import Kind, Order
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
        ]

    async def serve(self, request: web.Request, handler: wire.Carry) -> web.StreamResponse:
        """Note the call, let a waiting fault befall it, and answer in Face's manner."""
        call = self._log.arrived(request.method, request.path)
        is_known = "family" in request.match_info
        fault = self._faults.take(_OPERATIONS[request.method]) if is_known else None
        carry_out = partial(self._carried_out, request, handler)
        response = await wire.answer(request, fault, carry_out)
        call.status = wire.status_seen(response)
        return response

    async def _carried_out(self, request: web.Request, handler: wire.Carry) -> web.StreamResponse:
        try:
            if "family" in request.match_info:
                self._authorize(request)
            return await handler(request)
        except FaceRefusal as refusal:
            body = failed(refusal.code, refusal.message)
            return web.json_response(body, status=refusal.status)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return web.json_response(failed("404", "Resource not found"), status=404)

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
        order = await (_order_with_image(request) if has_image else _order(request))
        return web.json_response(self._account.create(order))

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


def _kind(request: web.Request) -> Kind:
    return _KINDS[request.match_info["family"]]


async def _order(request: web.Request) -> Order:
    if request.content_type != "application/json":
        raise FaceRefusal(400, "InvalidRequestBody", "The request body must be JSON.")
    return order_from_json(await request.read())


async def _order_with_image(request: web.Request) -> Order:
    if request.content_type != "multipart/form-data":
        raise FaceRefusal(400, "InvalidRequestBody", "The request body must be a form.")
    try:
        parts = [await _part(part) async for part in await request.multipart()]
    except (ValueError, AssertionError) as error:  # aiohttp's words for a form it cannot read
        raise FaceRefusal(400, "InvalidRequestBody", "The form cannot be read.") from error
    return order_from_parts(parts)


async def _part(part: object) -> Part:
    if not isinstance(part, BodyPartReader) or part.name is None:
        raise FaceRefusal(400, "InvalidRequestBody", "Every part needs a name.")
    content = bytes(await part.read())
    return Part(name=part.name, filename=part.filename, content=content)
