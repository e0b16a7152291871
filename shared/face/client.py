"""Sends Face's requests with aiohttp: time-outs, retries, breakers, rate limit, a fresh key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from io import BytesIO
from math import inf
from typing import Self

import aiohttp

from shared import trace
from shared.errors import FaceOutcomeUnknownError, FaceUnavailableError
from shared.face import answers, image_protocol, protocol, retry
from shared.face.answers import FaceResponse
from shared.face.breaker import Breaker
from shared.face.call_options import Acquire, CallOptions
from shared.face.credentials import FaceCredential
from shared.face.protocol import FaceRequest, Operation
from shared.face.rate_limiter import FIRST_RANK, LAST_RANK
from shared.secret import Secret
from shared.session.face_answer import FaceAnswer, FaceSession, NoImage
from shared.session.face_reply import FaceReply
from shared.session.ids import SessionImageId
from shared.session.session import Kind
from shared.session.start_request import StartRequest

# A first packet that gets lost is sent again after one second.
_CONNECT_SECONDS = 2.0
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

type Breakers = Mapping[Operation, Breaker]


class FaceClient:
    """Azure AI Face over HTTP."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: str,
        credential: FaceCredential,
        options: CallOptions,
        breakers: Breakers,
    ) -> None:
        """Take a session that is ready to use."""
        self._http = http
        self._endpoint = endpoint
        self._credential = credential
        self._options = options
        self._breakers = breakers

    @classmethod
    def connect(cls, endpoint: str, credential: FaceCredential, options: CallOptions) -> Self:
        """Open the one session of this process; nothing is sent yet."""
        # The platform bounds our calls; waiting for a connection would count as Face's time.
        connector = aiohttp.TCPConnector(limit=0)
        http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        breakers = {operation: Breaker(options.clock) for operation in Operation}
        return cls(http, endpoint, credential, options, breakers)

    def with_rate_limit(self, acquire: Acquire) -> "FaceClient":
        """Return a client with the same session and breakers whose calls wait until they may go."""
        options = replace(self._options, acquire=acquire)
        return FaceClient(self._http, self._endpoint, self._credential, options, self._breakers)

    async def create(self, request: StartRequest) -> FaceSession:
        """Open a session at Face; its caller waits, and nobody else would try again."""
        choices = self._options.choices
        call = protocol.build_create(request, choices)
        parse = partial(answers.parse_created, has_choices=choices.are_made)
        clock = self._options.clock
        end = clock() + self._options.budget_seconds

        async def create() -> FaceSession:
            # A wait may have taken longer than it should; aiohttp takes less than nothing for ever.
            left = max(end - clock(), retry.MIN_TRY_SECONDS)
            return (await self._call(call, parse, left)).value

        return await retry.run(
            create,
            self._breakers[call.operation],
            budget_seconds=self._options.budget_seconds,
            sleep=self._options.sleep,
        )

    async def await_turn(self, rank: float) -> None:
        """Wait until `get` may be called: of those who wait, the lowest rank first."""
        self._check(Operation.GET)
        await self._options.acquire(rank)

    async def get(self, kind: Kind, face_session_id: str) -> FaceReply[FaceAnswer | None]:
        """Ask Face what became of a session, in one try: queue and alarm have the next."""
        call = protocol.build_get(kind, face_session_id)
        return await self._call_at_once(
            call, lambda response: answers.parse_result(response, face_session_id)
        )

    async def delete(self, kind: Kind, face_session_id: str) -> FaceReply[None]:
        """Have Face forget a session, in one try: its alarm has the next."""
        call = protocol.build_delete(kind, face_session_id)
        return await self._call(call, answers.parse_deleted)

    async def get_image(self, image_id: SessionImageId) -> FaceReply[bytes | NoImage]:
        """Fetch the picture of a check, in one try: its alarm has the next."""
        call = image_protocol.build_get_image(image_id)
        return await self._call(call, image_protocol.parse_image)

    async def detect(
        self, image_id: SessionImageId, attributes: tuple[str, ...]
    ) -> FaceReply[str | None]:
        """Ask Face what a picture shows, in one try: its alarm has the next."""
        call = image_protocol.build_detect(image_id, attributes)
        return await self._call(call, image_protocol.parse_faces)

    async def close(self) -> None:
        """Close the session."""
        await self._http.close()

    async def _call[T](
        self, call: FaceRequest, parse: Callable[[FaceResponse], T], max_seconds: float = inf
    ) -> FaceReply[T]:
        # Before the rate limit, too: whoever is refused uses up nothing.
        self._check(call.operation)
        await self._options.acquire(LAST_RANK)
        return await self._call_at_once(call, parse, max_seconds)

    def _check(self, operation: Operation) -> None:
        # The key first, since a breaker that it has opened would be tried again too soon.
        self._credential.check()
        self._breakers[operation].check()

    async def _call_at_once[T](
        self, call: FaceRequest, parse: Callable[[FaceResponse], T], max_seconds: float = inf
    ) -> FaceReply[T]:
        self._credential.check()
        with self._breakers[call.operation].guard():
            response = await self._send(call, max_seconds)
            try:
                return FaceReply(value=parse(response), request_id=response.request_id)
            except FaceOutcomeUnknownError as error:
                error.request_id = response.request_id
                raise

    async def _send(self, call: FaceRequest, max_seconds: float) -> FaceResponse:
        secret = await self._credential.get()
        response = await self._send_once(call, secret, max_seconds)
        if response.status == HTTPStatus.UNAUTHORIZED:
            newer = await self._credential.refresh(secret)
            if newer is not None:
                await self._options.acquire(FIRST_RANK)
                return await self._send_once(call, newer, max_seconds)
        return response

    async def _send_once(
        self, call: FaceRequest, secret: Secret, max_seconds: float
    ) -> FaceResponse:
        seconds = min(max_seconds, self._options.timeout_seconds)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, _CONNECT_SECONDS))
        client_request_id = self._options.new_request_id()
        headers = {
            **self._options.auth_header(secret),
            "client-request-id": client_request_id,
            **({trace.HEADER: parent} if (parent := trace.find_trace_parent()) else {}),
        }
        try:
            async with self._http.request(
                call.method,
                self._endpoint + call.path,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
                json=None if call.is_form else call.body,
                data=_multipart(call) if call.is_form else None,
            ) as answer:
                return await _read_response(answer, call.max_answer_bytes)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # A create that may have arrived is not repeated: it could open a second session.
            name, is_retryable = type(error).__name__, isinstance(error, _NEVER_LEFT)
            failure = FaceUnavailableError(
                f"Face could not be reached: {name}", is_retryable=is_retryable
            )
            failure.client_request_id = client_request_id
            raise failure from error


class _SharedBytes(BytesIO):
    """Bytes as a file: aiohttp asks for their buffer, and BytesIO's own would be a copy of them."""

    def __init__(self, content: bytes) -> None:
        """Take them as they are."""
        super().__init__(content)
        self._content = content

    def getbuffer(self) -> memoryview:
        """Show them."""
        return memoryview(self._content)


def _multipart(call: FaceRequest) -> aiohttp.FormData:
    # A FormData is spent by one sending, so each try needs its own.
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in (call.body or {}).items():
        form.add_field(name, protocol.form_text(value))
    if call.image is not None:
        # Face wants a file name, whatever it is: https://github.com/Azure/azure-rest-api-specs
        named = {"filename": "verifyImage", "content_type": "application/octet-stream"}
        form.add_field("verifyImage", _SharedBytes(call.image), **named)
    return form


async def _read_response(answer: aiohttp.ClientResponse, max_bytes: int) -> FaceResponse:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > max_bytes:
            break
    is_too_large = len(body) > max_bytes
    return FaceResponse(
        status=answer.status,
        body=b"" if is_too_large else bytes(body),
        is_too_large=is_too_large,
        request_id=answers.parse_request_id(answer.headers.get("apim-request-id")),
        retry_after=answer.headers.get("Retry-After"),
        date=answer.headers.get("Date"),
    )
