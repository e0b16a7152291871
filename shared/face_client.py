"""Sends face_protocol's requests with aiohttp: a time-out for each, and one key refresh."""

from io import BytesIO
from typing import Self

import aiohttp

from shared import face_protocol
from shared.errors import FaceUnavailableError
from shared.face_protocol import FaceRequest, FaceResponse
from shared.face_terms import FaceAnswer, FaceSession
from shared.ports import FaceKeys
from shared.secret import Secret
from shared.sessions import Kind
from shared.start_request import StartRequest

# A session's answer is some kilobytes; whatever is much larger is none of Face's.
_LARGEST_ANSWER_BYTES = 1024 * 1024
_KEY_REFUSED = 401


class FaceClient:
    """Azure AI Face over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, endpoint: str, keys: FaceKeys) -> None:
        """Take a session that is ready to use."""
        self._http = http
        self._endpoint = endpoint
        self._keys = keys

    @classmethod
    def connect(cls, endpoint: str, keys: FaceKeys, *, timeout_seconds: float) -> Self:
        """Open the one session of this process; nothing is sent yet."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return cls(http, endpoint, keys)

    async def create(self, request: StartRequest) -> FaceSession:
        """Open a session at Face."""
        response = await self._send(face_protocol.build_create(request))
        return face_protocol.decipher_created(response)

    async def get(self, kind: Kind, face_session_id: str) -> FaceAnswer | None:
        """Ask Face what became of a session."""
        response = await self._send(face_protocol.build_get(kind, face_session_id))
        return face_protocol.decipher_result(response, face_session_id)

    async def delete(self, kind: Kind, face_session_id: str) -> None:
        """Have Face forget a session."""
        response = await self._send(face_protocol.build_delete(kind, face_session_id))
        face_protocol.decipher_deleted(response)

    async def close(self) -> None:
        """Close the session."""
        await self._http.close()

    async def _send(self, request: FaceRequest) -> FaceResponse:
        key = await self._keys.current()
        response = await self._send_with(key, request)
        if response.status == _KEY_REFUSED:
            response = await self._send_with(await self._keys.refresh(key), request)
        return response

    async def _send_with(self, key: Secret, request: FaceRequest) -> FaceResponse:
        try:
            async with self._http.request(
                request.method,
                self._endpoint + request.path,
                headers={"Ocp-Apim-Subscription-Key": key.reveal()},
                allow_redirects=False,
                json=None if request.image else request.body,
                data=_form(request) if request.image else None,
            ) as answer:
                return await _received(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = f"Face could not be reached: {type(error).__name__}"
            raise FaceUnavailableError(cause) from error


def _form(request: FaceRequest) -> aiohttp.FormData:
    # A FormData is spent by one sending, so each try needs its own.
    form = aiohttp.FormData()
    for name, value in (request.body or {}).items():
        form.add_field(name, face_protocol.form_text(value))
    # Face wants a file name, whatever it is: https://github.com/Azure/azure-rest-api-specs
    form.add_field(
        "verifyImage",
        BytesIO(request.image or b""),
        filename="verifyImage",
        content_type="application/octet-stream",
    )
    return form


async def _received(answer: aiohttp.ClientResponse) -> FaceResponse:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _LARGEST_ANSWER_BYTES:
            raise FaceUnavailableError("Face answered far too much")
    return FaceResponse(
        status=answer.status, body=bytes(body), retry_after=answer.headers.get("Retry-After")
    )
