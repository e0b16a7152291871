"""Bad input gets the right code, and then Face was not called and nothing was stored.

What is bad is tests/unit/api's to say; here is that each way in is guarded, one example a guard.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.support.constants import FUNCTION_KEY
from tests.support.world import World, form, picture

JSON = {**FUNCTION_KEY, "Content-Type": "application/json"}
FORM = {**FUNCTION_KEY, "Content-Type": "multipart/form-data; boundary=b"}
DEVICE = {"deviceCorrelationId": "phone-1"}
CUT_SHORT = (
    b'--b\r\nContent-Disposition: form-data; name="deviceCorrelationId"\r\n\r\nphone\r\n'
    b'--b\r\nContent-Disposition: form-data; name="verifyImage"; filename="a.jpg"\r\n\r\n\xff\xd8'
)


@pytest_asyncio.fixture(autouse=True)
async def nothing_happens(world: World) -> AsyncIterator[None]:
    calls, rows = await world.face_calls(), await world.rows()
    yield
    assert await world.face_calls() == calls
    assert await world.rows() == rows


def a_form(**fields: str) -> aiohttp.FormData:
    return aiohttp.FormData({**DEVICE, **fields}, default_to_multipart=True)


async def chunks() -> AsyncIterator[bytes]:
    yield b'{"deviceCorrelationId": "a"}'


BAD_CREATES: dict[str, tuple[int, str, str | None, dict[str, Any]]] = {
    "no body": (400, "InvalidRequest", None, {"headers": JSON}),
    "half of a body": (400, "InvalidRequest", None, {"headers": JSON, "data": b"{"}),
    "too deep": (400, "InvalidRequest", None, {"headers": JSON, "data": b"[" * 16_000}),
    "not UTF-8": (400, "InvalidRequest", None, {"headers": JSON, "data": b"\xff\xfe{}"}),
    "no device": (400, "InvalidRequest", "deviceCorrelationId", {"json": {}}),
    "long device": (
        400, "InvalidRequest", "deviceCorrelationId", {"json": {"deviceCorrelationId": "x" * 65}},
    ),
    "unknown field": (
        400, "InvalidRequest", "sendResultsToClient",
        {"json": {**DEVICE, "sendResultsToClient": True}},
    ),
    "no image": (400, "InvalidRequest", "verifyImage", {"data": a_form()}),
    "image as text": (400, "InvalidRequest", "verifyImage", {"data": a_form(verifyImage="text")}),
    "python's True": (
        400, "InvalidRequest", "deviceCorrelationIdSetInClient",
        {"data": form(picture(), deviceCorrelationIdSetInClient="True")},
    ),
    "form cut short": (400, "InvalidRequest", None, {"headers": FORM, "data": CUT_SHORT}),
    "no boundary": (
        400, "InvalidRequest", None,
        {"headers": {**FUNCTION_KEY, "Content-Type": "multipart/form-data"}, "data": CUT_SHORT},
    ),
    "empty image": (400, "InvalidImageSize", "verifyImage", {"data": form(b"")}),
    "7 MB": (400, "InvalidImageSize", "verifyImage", {"data": form(picture(7 * 1024 * 1024))}),
    "text named png": (
        400, "InvalidImage", "verifyImage", {"data": form(b"just text " * 200, name="me.png")},
    ),
    "another media type": (
        415, "UnsupportedMediaType", None,
        {"headers": {**FUNCTION_KEY, "Content-Type": "text/plain"}, "data": b"{}"},
    ),
    "JSON over 16 KiB": (
        413, "RequestTooLarge", None, {"headers": JSON, "data": b" " * (16 * 1024 + 1)},
    ),
    "form over 8 MiB": (413, "RequestTooLarge", None, {"data": form(picture(8 * 1024 * 1024))}),
    "in chunks": (411, "LengthRequired", None, {"headers": JSON, "data": chunks()}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "target", "request_"), BAD_CREATES.values(), ids=BAD_CREATES
)
async def test_a_create_that_is_bad_is_refused_by_its_code(
    world: World, status: int, code: str, target: str | None, request_: dict[str, Any]
) -> None:
    answer = await world.create(**request_)

    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["x-ms-error-code"] == code
    assert answer.body["error"].get("target") == target


@pytest.mark.parametrize(
    "session_id",
    [
        *("x", "0" * 32, "0" * 34, "0" * 33, "G" * 33, "A" * 33, "٣" * 33),
        *("..%2F..%2Fhealth", "%2e%2e", "0" * 5000, "'%20or%20'1'eq'1", "session-1"),
    ],
    ids=lambda shape: shape[:12],
)
async def test_an_id_of_any_other_shape_is_session_not_found(world: World, session_id: str) -> None:
    headers, path = {**FUNCTION_KEY, "X-Session-Token": "t" * 43}, f"/sessions/{session_id}"

    answers = [
        await world.call("GET", path, headers=headers),
        await world.call("POST", f"{path}/complete", headers=headers),
        await world.call("DELETE", path, headers=headers),
        await world.call("GET", f"{path}/result", headers=headers),
    ]

    assert {answer.status for answer in answers} == {404}
    assert {answer.code for answer in answers if answer.text} <= {"SessionNotFound"}
    assert not [answer for answer in answers if session_id in answer.text]


async def test_a_zero_byte_in_an_id_is_refused_before_the_app_is_asked(world: World) -> None:
    answer = await world.call("GET", f"/sessions/{'0' * 33}%00", headers=FUNCTION_KEY)

    assert (answer.status, answer.text) == (400, "")


async def test_a_connection_that_breaks_in_the_body_stores_nothing(world: World) -> None:
    _, writer = await world.connect()
    writer.write(
        b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nx-functions-key: local-function-key\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()


class TestWhereTheSessionIsKnown:
    """A session is there already, or Face is asked: then less may have happened than nothing."""

    @pytest.fixture(autouse=True)
    def nothing_happens(self) -> None:
        """Something happens here before the test looks."""

    @pytest.mark.parametrize(
        ("status", "code", "body"),
        [
            (400, "InvalidRequest", b"{"),
            (400, "InvalidRequest", b'{"digest": "ab"}'),
            (400, "InvalidRequest", b'{"error": {"livenessError": 1}}'),
            (400, "InvalidRequest", b'{"resultId": "%s"}' % (b"r" * 129)),
            (411, "LengthRequired", None),
            (415, "UnsupportedMediaType", b"done"),
        ],
        ids=["half of a body", "digest", "error", "long result id", "in chunks", "other type"],
    )
    async def test_a_report_that_is_bad_is_refused_and_changes_nothing(
        self, world: World, status: int, code: str, body: bytes | None
    ) -> None:
        check = await world.start()
        row, calls = await world.row(check), await world.face_calls()
        kind = "text/plain" if body == b"done" else "application/json"

        answer = await world.call(
            "POST",
            f"/sessions/{check.session_id}/complete",
            headers={**check.token, "Content-Type": kind},
            data=chunks() if body is None else body,
        )

        assert (answer.status, answer.code) == (status, code)
        assert (await world.row(check), await world.face_calls()) == (row, calls)

    @pytest.mark.parametrize(
        ("face_code", "code"),
        [("InvalidDeviceCorrelationId", "InvalidRequest"), ("InvalidImage", "InvalidImage")],
    )
    async def test_faces_400_on_create_keeps_its_code_and_stores_nothing(
        self, world: World, face_code: str, code: str
    ) -> None:
        rows = await world.rows()
        await world.fail("create", status=400, code=face_code)

        answer = await world.create(json=DEVICE)

        details = answer.body["error"].get("details", [{"code": "InvalidImage"}])
        assert (answer.status, answer.code) == (400, code)
        assert details[0]["code"] == face_code
        assert await world.rows() == rows
