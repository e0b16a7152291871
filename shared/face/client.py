"""Sends face_protocol's requests with aiohttp: time-outs, patience, pace, one key refresh."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Self

import aiohttp

from shared.errors import FaceUnavailableError
from shared.face import protocol
from shared.face.credentials import FaceCredential
from shared.face.patience import Patience
from shared.face.protocol import FaceRequest, FaceResponse
from shared.secret import Secret
from shared.session.face_answer import FaceAnswer, FaceSession
from shared.session.session import Kind
from shared.session.start_request import StartRequest

# A session's answer is some kilobytes; whatever is much larger is none of Face's.
_MAX_ANSWER_BYTES = 1024 * 1024
_KEY_REFUSED = 401

type AuthHeader = Callable[[Secret], Mapping[str, str]]
type Turn = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Wait for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How Face is called: with which header, for how long, how often."""

    header: AuthHeader = protocol.key_header
    timeout_seconds: float
    patience: Patience
    turn: Turn = at_once


class FaceClient:
    """Azure AI Face over HTTP."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: str,
        keys: FaceCredential,
        rules: CallOptions,
    ) -> None:
        """Take a session that is ready to use."""
        self._http = http
        self._endpoint = endpoint
        self._keys = keys
        self._rules = rules

    @classmethod
    def connect(cls, endpoint: str, keys: FaceCredential, rules: CallOptions) -> Self:
        """Open the one session of this process; nothing is sent yet."""
        http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return cls(http, endpoint, keys, rules)

    def paced(self, turn: Turn) -> "FaceClient":
        """Return a client on the same session whose every call waits for its turn."""
        return FaceClient(self._http, self._endpoint, self._keys, replace(self._rules, turn=turn))

    async def create(self, request: StartRequest) -> FaceSession:
        """Open a session at Face."""
        call = protocol.build_create(request)
        return await self._patiently(call, protocol.decipher_created)

    async def get(self, kind: Kind, face_session_id: str) -> FaceAnswer | None:
        """Ask Face what became of a session."""
        call = protocol.build_get(kind, face_session_id)
        return await self._patiently(
            call, lambda response: protocol.decipher_result(response, face_session_id)
        )

    async def delete(self, kind: Kind, face_session_id: str, *, patient: bool = True) -> None:
        """Have Face forget a session."""
        call = protocol.build_delete(kind, face_session_id)
        if patient:
            await self._patiently(call, protocol.decipher_deleted)
        else:
            response = await self._send(call, self._rules.timeout_seconds)
            protocol.decipher_deleted(response)

    async def close(self) -> None:
        """Close the session."""
        await self._http.close()

    async def _patiently[T](self, call: FaceRequest, decipher: Callable[[FaceResponse], T]) -> T:
        async def attempt(seconds: float) -> T:
            timeout_seconds = min(seconds, self._rules.timeout_seconds)
            return decipher(await self._send(call, timeout_seconds))

        return await self._rules.patience.spend_on(attempt)

    async def _send(self, call: FaceRequest, timeout_seconds: float) -> FaceResponse:
        key = await self._keys.current()
        response = await self._send_with(key, call, timeout_seconds)
        if response.status == _KEY_REFUSED:
            key = await self._keys.refresh(key)
            response = await self._send_with(key, call, timeout_seconds)
        return response

    async def _send_with(
        self, key: Secret, call: FaceRequest, timeout_seconds: float
    ) -> FaceResponse:
        await self._rules.turn()
        try:
            async with self._http.request(
                call.method,
                self._endpoint + call.path,
                headers=self._rules.header(key),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                json=None if call.image else call.body,
                data=_multipart(call) if call.image else None,
            ) as answer:
                return await _read_response(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # A create that may have arrived is not repeated: it could open a second session.
            never_left = isinstance(error, aiohttp.ClientConnectorError)
            raise FaceUnavailableError(
                f"Face could not be reached: {type(error).__name__}",
                is_retryable=never_left or call.is_idempotent,
            ) from error


def _multipart(call: FaceRequest) -> aiohttp.FormData:
    # A FormData is spent by one sending, so each try needs its own.
    form = aiohttp.FormData()
    for name, value in (call.body or {}).items():
        form.add_field(name, protocol.form_text(value))
    # Face wants a file name, whatever it is: https://github.com/Azure/azure-rest-api-specs
    form.add_field(
        "verifyImage",
        BytesIO(call.image or b""),
        filename="verifyImage",
        content_type="application/octet-stream",
    )
    return form


async def _read_response(answer: aiohttp.ClientResponse) -> FaceResponse:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            raise FaceUnavailableError("Face answered far too much")
    return FaceResponse(
        status=answer.status,
        body=bytes(body),
        retry_after=answer.headers.get("Retry-After"),
        date=answer.headers.get("Date"),
    )
