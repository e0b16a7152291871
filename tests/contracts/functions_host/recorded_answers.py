"""The record of the real host's answers: its cases, and how an answer is compared with one."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import parse_headers
from io import BytesIO
from pathlib import Path
from typing import Any

_RECORD = Path(__file__).parents[2] / "samples" / "host" / "answers.json"
_DIFFERENCES = Path(__file__).with_name("differences.txt")
# What is not compared: it differs from run to run, or is framing.
_LEFT_OUT = {
    *("connection", "content-length", "date", "request-context", "server", "transfer-encoding"),
}

type Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recorded request; `filled` puts a host's port and keys into it."""

    name: str
    setting: str
    request: str
    answer: Mapping[str, Json]

    def filled(self, values: Mapping[str, str]) -> tuple[bytes, Json]:
        """Give the bytes to send, and the answer that is expected."""
        text = re.sub(
            r"\{([A-Za-z ]+)\}",
            lambda found: values.get(found[1], found[0]),
            json.dumps([self.request, self.answer]),
        )
        long = re.sub(r"\{(\d+) times (\w)\}", lambda found: found[2] * int(found[1]), text)
        request, answer = json.loads(long)
        return request.encode("latin-1"), answer


def recorded_cases() -> list[Case]:
    return [Case(**case) for case in json.loads(_RECORD.read_text())["cases"]]


def allowed_differences() -> dict[str, str]:
    """Give the reason of each case that the stand-in may answer otherwise."""
    lines = _DIFFERENCES.read_text().splitlines()
    return {name: reason for name, _, reason in (line.partition("\t") for line in lines)}


async def exchange(port: int, request: bytes) -> bytes:
    """Send the bytes and read until the host closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    received = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(60):
            while part := await reader.read(65536):
                received += part
    writer.close()
    return received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")


def described(received: bytes) -> Json:
    """Take an answer apart, into the parts that the record has."""
    status_line, _, rest = received.partition(b"\r\n")
    stream = BytesIO(rest)
    message = parse_headers(stream)
    headers: dict[str, Json] = {}
    for name in {name.lower() for name in message} - _LEFT_OUT:
        first, *more = message.get_all(name, [])
        headers[name] = [first, *more] if more else first
    is_chunked = "transfer-encoding" in message
    body = b"".join(_chunks(stream)) if is_chunked else stream.read()
    answer = {
        "status": int(status_line.split()[1]) if status_line else "no answer",
        "headers": headers,
        "length": "some" if body else "empty",
        "body": body.decode("latin-1"),
    }
    with contextlib.suppress(ValueError):
        answer["json"] = json.loads(body)
    return answer


def differences(expected: Mapping[str, Json], came: Json) -> Iterator[str]:
    """Say in a line each what of the recorded answer is otherwise."""
    for part, value in expected.items():
        if part != "headers" and value != came.get(part):
            yield f"{part}: expected {value!r}, came {came.get(part)!r}"
    for name in expected["headers"] | came["headers"]:
        wanted, given = (side["headers"].get(name) for side in (expected, came))
        if wanted not in (given, "anything"):
            yield f"{name}: expected {wanted!r}, came {given!r}"


def _chunks(stream: BytesIO) -> Iterator[bytes]:
    while size := int(stream.readline() or b"0", 16):
        yield stream.read(size)
        stream.readline()
