"""Bad input gets the right code, and then Face was not called and nothing was stored."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.support.world import FUNCTION_KEY, World, form, picture

JSON = {**FUNCTION_KEY, "Content-Type": "application/json"}
DEVICE = {"deviceCorrelationId": "phone-1"}


@pytest_asyncio.fixture(autouse=True)
async def nothing_happens(world: World) -> AsyncIterator[None]:
    calls, rows = await world.face_calls(), await world.rows()
    yield
    assert await world.face_calls() == calls
    assert await world.rows() == rows


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b"[" * 16_000,
        b"{}",
        json.dumps({**DEVICE, "livenessOperationMode": "passive"}).encode(),
        json.dumps({**DEVICE, "livenessOperationMode": 1}).encode(),
        json.dumps({"deviceCorrelationId": ""}).encode(),
        json.dumps({"deviceCorrelationId": "x" * 65}).encode(),
        json.dumps({"deviceCorrelationId": 7}).encode(),
        b'{"deviceCorrelationId": "\\ud800"}',
        b'{"deviceCorrelationId": "a\\u0000b"}',
        json.dumps({**DEVICE, "deviceCorrelationIdSetInClient": True}).encode(),
        json.dumps({**DEVICE, "deviceCorrelationIdSetInClient": "true"}).encode(),
        json.dumps({**DEVICE, "authTokenTimeToLiveInSeconds": 59}).encode(),
        json.dumps({**DEVICE, "authTokenTimeToLiveInSeconds": 601}).encode(),
        json.dumps({**DEVICE, "authTokenTimeToLiveInSeconds": 600.5}).encode(),
        json.dumps({**DEVICE, "authTokenTimeToLiveInSeconds": True}).encode(),
        json.dumps({**DEVICE, "sendResultsToClient": True}).encode(),
        b'{"deviceCorrelationId": "a", "deviceCorrelationId": "b"}',
    ],
    ids=[
        *("empty", "cut short", "a list", "null", "not UTF-8", "too deep", "no device"),
        *("unknown mode", "mode of the wrong type", "empty device", "long device"),
        *("device of the wrong type", "lone surrogate", "control character"),
        *("device twice over", "flag as text", "short token", "long token", "broken seconds"),
        *("seconds as flag", "unknown field", "repeated field"),
    ],
)
async def test_invalid_json_is_an_invalid_request(world: World, body: bytes) -> None:
    answer = await world.create(headers=JSON, data=body)

    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert answer.headers["x-ms-error-code"] == "InvalidRequest"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "InvalidImageSize"),
        (b"\xff\xd8\xff" + bytes(1020), "InvalidImageSize"),
        (b"\xff\xd8\xff" + bytes(7 * 1024 * 1024), "InvalidImageSize"),
        (b"just text, whatever its name " * 100, "InvalidImage"),
        (b"BMW is a car maker; this is no bitmap. " * 100, "InvalidImage"),
        (b"RIFF\x00\x10\x00\x00WEBPVP8 " + bytes(4096), "InvalidImage"),
    ],
    ids=["empty file", "1023 bytes", "7 MB", "text named png", "text like a BMP", "WebP"],
)
async def test_an_image_that_face_would_not_take_is_refused(
    world: World, image: bytes, code: str
) -> None:
    answer = await world.create(data=form(image, name="me.png"))

    assert (answer.status, answer.code, answer.body["error"]["target"]) == (
        400,
        code,
        "verifyImage",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"deviceCorrelationIdSetInClient": "True"},
        {"authTokenTimeToLiveInSeconds": "six hundred"},
        {"authTokenTimeToLiveInSeconds": "601"},
        {"livenessOperationMode": "Active"},
        {"userCorrelationId": ""},
        {"returnVerifyImageHash": "false"},
    ],
    ids=["python's True", "words for seconds", "long token", "bad mode", "empty user", "unknown"],
)
async def test_invalid_multipart_fields_are_an_invalid_request(
    world: World, fields: dict[str, str]
) -> None:
    answer = await world.create(data=form(picture(), **fields))

    assert (answer.status, answer.code) == (400, "InvalidRequest")


async def test_multipart_without_its_image_is_an_invalid_request(world: World) -> None:
    data = aiohttp.FormData(DEVICE, default_to_multipart=True)

    answer = await world.create(data=data)

    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert answer.body["error"]["target"] == "verifyImage"


async def test_an_image_sent_as_text_is_no_image(world: World) -> None:
    data = aiohttp.FormData({**DEVICE, "verifyImage": "text"}, default_to_multipart=True)

    answer = await world.create(data=data)

    assert (answer.status, answer.code) == (400, "InvalidRequest")


async def test_a_second_image_is_an_invalid_request(world: World) -> None:
    data = form(picture())
    data.add_field("verifyImage", picture(), filename="other.jpg")

    answer = await world.create(data=data)

    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999], ids=str)
async def test_a_multipart_body_cut_short_is_an_invalid_request(world: World, keep: float) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    body = head % (b"deviceCorrelationId", b"") + b"phone\r\n"
    body += head % (b"verifyImage", b'; filename="a.jpg"') + picture() + b"\r\n--b--"
    headers = {**FUNCTION_KEY, "Content-Type": "multipart/form-data; boundary=b"}

    answer = await world.create(headers=headers, data=body[: int(len(body) * keep)])

    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=other"], ids=repr)
async def test_multipart_with_a_wrong_boundary_is_an_invalid_request(
    world: World, boundary: str
) -> None:
    headers = {**FUNCTION_KEY, "Content-Type": f"multipart/form-data{boundary}"}

    answer = await world.create(headers=headers, data=b"--b\r\nnonsense")

    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "image/jpeg", "json"]
)
async def test_another_media_type_is_not_supported(world: World, content_type: str) -> None:
    headers = {**FUNCTION_KEY, "Content-Type": content_type}

    answer = await world.create(headers=headers, data=b'{"deviceCorrelationId": "a"}')

    assert (answer.status, answer.code) == (415, "UnsupportedMediaType")


async def test_a_json_body_over_16_kib_is_too_large(world: World) -> None:
    answer = await world.create(headers=JSON, data=b" " * (16 * 1024 + 1))

    assert (answer.status, answer.code) == (413, "RequestTooLarge")


async def test_a_body_over_8_mib_is_too_large(world: World) -> None:
    answer = await world.create(data=form(picture(8 * 1024 * 1024)))

    assert (answer.status, answer.code) == (413, "RequestTooLarge")


async def test_a_body_in_chunks_needs_a_length(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"deviceCorrelationId": "a"}'

    answer = await world.create(headers=JSON, data=chunks())

    assert (answer.status, answer.code) == (411, "LengthRequired")


@pytest.mark.parametrize(
    "session_id",
    [
        *("x", "0" * 32, "0" * 34, "0" * 33, "G" * 33, "A" * 33, "٣" * 33),
        *(
            "..%2F..%2Fhealth",
            "%2e%2e",
            "0" * 5000,
            "'%20or%20'1'eq'1",
            "session-1",
        ),
    ],
    ids=lambda shape: shape[:12],
)
@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("POST", "/complete"), ("DELETE", ""), ("GET", "/result")],
    ids=["status", "complete", "cancel", "result"],
)
async def test_an_id_of_any_other_shape_is_session_not_found(
    world: World, method: str, action: str, session_id: str
) -> None:
    headers = {**FUNCTION_KEY, "X-Session-Token": "t" * 43}

    answer = await world.call(method, f"/sessions/{session_id}{action}", headers=headers)

    assert answer.status == 404
    assert answer.text == "" or answer.code == "SessionNotFound"
    assert session_id not in answer.text


async def test_a_zero_byte_in_an_id_is_refused_before_the_app_is_asked(world: World) -> None:
    answer = await world.call("GET", f"/sessions/{'0' * 33}%00", headers=FUNCTION_KEY)

    assert (answer.status, answer.text) == (400, "")


class TestCompletion:
    """A bad completion is refused, and the session stays as it was."""

    @pytest.fixture(autouse=True)
    def nothing_happens(self) -> None:
        """Starting the session is something that happens."""

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b'{"digest": "ab"}',
            b'{"digest": "%s"}' % (b"g" * 64),
            b'{"digest": 1}',
            b'{"error": "TimedOut"}',
            b'{"error": {"livenessError": 1}}',
            b'{"resultId": "%s"}' % (b"r" * 129),
        ],
        ids=lambda body: body[:24].decode(),
    )
    async def test_an_invalid_report_is_an_invalid_request(self, world: World, body: bytes) -> None:
        check = await world.start()
        row, calls = await world.row(check), await world.face_calls()

        answer = await world.call(
            "POST",
            f"/sessions/{check.session_id}/complete",
            headers={**check.token, "Content-Type": "application/json"},
            data=body,
        )

        assert (answer.status, answer.code) == (400, "InvalidRequest")
        assert (await world.row(check), await world.face_calls()) == (row, calls)

    async def test_a_report_in_chunks_needs_a_length_and_loses_no_digest(
        self, world: World
    ) -> None:
        check = await world.start()

        async def chunks() -> AsyncIterator[bytes]:
            yield b"{}"

        answer = await world.call(
            "POST", f"/sessions/{check.session_id}/complete", headers=check.token, data=chunks()
        )

        assert (answer.status, answer.code) == (411, "LengthRequired")

    async def test_a_report_of_another_type_is_not_supported(self, world: World) -> None:
        check = await world.start()

        answer = await world.call(
            "POST", f"/sessions/{check.session_id}/complete", headers=check.token, data=b"done"
        )

        assert (answer.status, answer.code) == (415, "UnsupportedMediaType")


class TestWhatFaceRefuses:
    """Face's own no to a create is told to the caller, and nothing is stored."""

    @pytest.fixture(autouse=True)
    def nothing_happens(self) -> None:
        """Face is called here."""

    @pytest.mark.parametrize(
        ("face_code", "code"),
        [
            ("InvalidRequestBody", "InvalidRequest"),
            ("InvalidDeviceCorrelationId", "InvalidRequest"),
            ("InvalidImage", "InvalidImage"),
            ("InvalidImageSize", "InvalidImageSize"),
        ],
    )
    async def test_faces_400_on_create_keeps_its_code(
        self, world: World, face_code: str, code: str
    ) -> None:
        rows = await world.rows()
        await world.fail("create", status=400, code=face_code)

        answer = await world.create(json=DEVICE)

        assert (answer.status, answer.code) == (400, code)
        assert await world.rows() == rows
        if code == "InvalidRequest":
            assert answer.body["error"]["details"][0]["code"] == face_code

    async def test_a_connection_that_breaks_in_the_body_stores_nothing(self, world: World) -> None:
        rows = await world.rows()
        host, port = "127.0.0.1", world.stack.ports.host
        _, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nx-functions-key: local-function-key\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        assert await world.rows() == rows
