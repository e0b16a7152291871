"""A proxy in front of one service, which lets scripted faults befall the calls through it."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Self

from local.ports import HOST

RETRY_AFTER_SECONDS = 7

_SLOW_SECONDS = 0.1
_HUGE_BYTES = 8 * 1024 * 1024
_END_OF_HEAD = b"\r\n\r\n"
# An answer that never comes back this way: its caller has gone, or its bytes make no sense.
_CLIENT_ERRORS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)

# The proxy knows whom it stands before; its own caller is the one who checks.
_ANY_CERTIFICATE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_ANY_CERTIFICATE.check_hostname, _ANY_CERTIFICATE.verify_mode = False, ssl.CERT_NONE


class Fault(StrEnum):
    """What befalls a call; the service carries it out only where that is said."""

    REFUSED = "refused"
    RESET = "reset"
    TIME_OUT = "time-out"
    SLOW = "slow"  # carried out
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    FOREIGN_NOT_FOUND = "foreign 404"
    CONFLICT = "409"
    PRECONDITION = "412"
    THROTTLED = "429"
    THROTTLED_FOR = "429 with Retry-After"
    BROKEN = "500"
    BUSY = "503"
    TRUNCATED = "truncated"  # carried out
    GARBAGE = "garbage"
    WRONG_TYPE = "wrong type"
    HUGE = "huge"
    LOST = "answer lost"  # carried out


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a service listens, and what of TLS the proxy needs to stand before it."""

    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    head: bytes
    body: bytes

    def is_one(self, wanted: str | None) -> bool:
        method, _, part = (wanted or "").partition(" ")
        line = self.head.partition(b"\r\n")[0].decode()
        return wanted is None or (method == self.method and part in line)


class FaultProxy:
    """Passes calls on, one for each connection, until a fault is set for their method."""

    def __init__(self, service: Door, port: int, *, not_found: str) -> None:
        """Stand before a service whose own 404 has this code; nothing listens yet."""
        self.port = port
        self._service = service
        self._not_found = not_found
        self._server: asyncio.Server | None = None
        self._method = ""
        self._fault: Fault | None = None
        self._first: str | None = None
        self._healed = asyncio.Event()
        self.has_a_call_waiting = asyncio.Event()

    @classmethod
    @contextlib.asynccontextmanager
    async def before(cls, service: Door, port: int, *, not_found: str) -> AsyncIterator[Self]:
        """Listen until the block ends."""
        proxy = cls(service, port, not_found=not_found)
        await proxy.clear_faults()
        try:
            yield proxy
        finally:
            proxy._healed.set()
            proxy._close()

    def fail(self, method: str, fault: Fault, *, first: str | None = None) -> None:
        """Let the fault befall every call of a method; no call at all gets in if it is refused.

        With `first`, the door is shut only when a call of that method is through. After a method
        there may be a part of the path: `GET sessionImages`.
        """
        self._method, self._fault, self._first = method, fault, first
        if fault is Fault.REFUSED and first is None:
            self._close()

    async def clear_faults(self) -> None:
        """End the fault; whoever still waits for an answer gets none."""
        self._fault = None
        self._healed.set()
        self._healed = asyncio.Event()
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, HOST, self.port, ssl=self._service.tls
            )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_CLIENT_ERRORS):
            call = await _read(reader)
            if self._fault is Fault.REFUSED and call.is_one(self._first):
                answer = await self._passed_on(call)
                if self._fault is Fault.REFUSED:
                    self._close()
                writer.write(answer)
            elif self._fault is None or not call.is_one(self._method):
                writer.write(await self._passed_on(call))
            else:
                await self._befall(self._fault, call, writer)
            await writer.drain()
        writer.close()

    async def _befall(self, fault: Fault, call: _Call, writer: asyncio.StreamWriter) -> None:
        match fault:
            case Fault.RESET:
                _reset(writer)
            case Fault.LOST:
                await self._passed_on(call)
                _reset(writer)
            case Fault.TIME_OUT:
                self.has_a_call_waiting.set()
                await self._healed.wait()
                _reset(writer)
            case Fault.SLOW:
                await asyncio.sleep(_SLOW_SECONDS)
                writer.write(await self._passed_on(call))
            case Fault.TRUNCATED:
                writer.write(_halved(await self._passed_on(call)))
            case _:
                writer.write(_answer(fault, self._not_found))

    async def _passed_on(self, call: _Call) -> bytes:
        tls = _ANY_CERTIFICATE if self._service.tls else None
        reader, writer = await asyncio.open_connection(HOST, self._service.port, ssl=tls)
        try:
            writer.write(call.head + call.body)
            return await reader.read()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> _Call:
    head = await reader.readuntil(_END_OF_HEAD)
    first, *lines = head.removesuffix(_END_OF_HEAD).split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b":") for line in lines)}
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return _Call(
        method=first.split(b" ")[0].decode(),
        head=b"\r\n".join([first, *kept, b"Connection: close"]) + _END_OF_HEAD,
        body=body,
    )


def _reset(writer: asyncio.StreamWriter) -> None:
    # Lingering for no time makes the close a reset, as from a machine that went away.
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def _halved(answer: bytes) -> bytes:
    head, end, body = answer.partition(_END_OF_HEAD)
    return head + end + body[: len(body) // 2] if body else head[: len(head) // 2]


def _answer(fault: Fault, not_found: str) -> bytes:
    answers = {
        Fault.GARBAGE: lambda: _response(200, b"<html>\xff\x00 this is no JSON"),
        Fault.WRONG_TYPE: lambda: _page(200, "Sign in"),
        Fault.HUGE: lambda: _response(200, b'{"filler":"%s"}' % (b"x" * _HUGE_BYTES)),
        Fault.THROTTLED_FOR: lambda: _response(
            429, _error("Throttled"), f"Retry-After: {RETRY_AFTER_SECONDS}"
        ),
        Fault.NOT_FOUND: lambda: _response(404, _error(not_found), f"x-ms-error-code: {not_found}"),
        Fault.FOREIGN_NOT_FOUND: lambda: _page(404, "No such page"),
    }
    return answers[fault]() if fault in answers else _response(int(fault), _error("Scripted"))


def _page(status: int, words: str) -> bytes:
    return _response(status, f"<html><body>{words}</body></html>".encode(), kind="text/html")


def _error(code: str) -> bytes:
    """Say it in Face's and the vault's manner, and in that of tables."""
    error = {"code": code, "message": "A scripted fault."}
    told = {"lang": "en-US", "value": "A scripted fault."}
    return json.dumps({"error": error, "odata.error": {"code": code, "message": told}}).encode()


def _response(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body
