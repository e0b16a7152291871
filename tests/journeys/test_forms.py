"""What callers send is understood as they mean it, byte for byte, or refused in words that help."""

import gzip
import hashlib
import re
import secrets
from io import BytesIO

import pytest

from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, World, check_of, picture

TYPE = "multipart/form-data; boundary=frontier"
# A photo in which nothing looks like a line's end.
PHOTO = picture().replace(b"\r", b"x").replace(b"\n", b"x")


def framed(photo: bytes, *, device: bytes = b"", file: bytes = b'; filename="me.jpg"') -> bytes:
    """Write a form, of somebody new unless it says of whom."""
    head = b'--frontier\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    person = head % (b"deviceCorrelationId", b"") + (device or new_device())
    return person + b"\r\n" + head % (b"verifyImage", file) + photo + b"\r\n--frontier--"


def new_device() -> bytes:
    return secrets.token_hex(8).encode()


async def post(world: World, body: bytes, content_type: str = TYPE) -> Answer:
    return await world.create(
        headers={**FUNCTION_KEY, "Content-Type": content_type}, data=BytesIO(body)
    )


async def test_a_photo_whose_end_lies_on_the_edge_of_a_buffer_is_verified_against_as_it_was_sent(
    world: World,
) -> None:
    for size in (64 * 1024, 128 * 1024, 2 * 1024 * 1024):
        body = framed(picture(size - len(framed(b"")) + 1))
        photo = body[body.index(b"\xff\xd8") : -len(b"\r\n--frontier--")]
        check = check_of(await post(world, body))
        await world.complete(check, {"digest": (await world.play(check, "realface"))["digest"]})

        assert len(body) == size + 1
        assert (await world.row(check))["verifyImageSha256"] == hashlib.sha256(photo).hexdigest()
        assert await world.verdict(check) == ("completed", "passed", [])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(framed(PHOTO, file=b'; filename="Jos\xe9.jpg"'), id="latin-1 name"),
        pytest.param(framed(PHOTO, file=b'; filename="\x95\x5c.jpg"'), id="Shift_JIS name"),
        pytest.param(framed(PHOTO, file=b"; filename*=utf-8''%C3%A9"), id="extended name"),
        pytest.param(b"preamble\r\n" + framed(PHOTO) + b"\r\nepilogue", id="epilogue"),
        pytest.param(
            framed(PHOTO, file=b'; filename="a"\r\nContent-Transfer-Encoding: binary'), id="binary"
        ),
    ],
)
async def test_a_form_of_another_kind_is_understood_all_the_same(world: World, body: bytes) -> None:
    check = check_of(await post(world, body))

    await world.cancel(check)
    told = (await world.result(check)).body["deviceCorrelationId"]
    assert told.encode() in body
    assert (await world.row(check))["verifyImageSha256"] == hashlib.sha256(PHOTO).hexdigest()


async def test_a_part_that_is_a_json_string_is_meant_without_its_quotes(world: World) -> None:
    device = new_device()
    for text in (device, b'"' + device + b'"'):
        body = framed(PHOTO, device=text).replace(
            b'Id"\r\n', b'Id"\r\nContent-Type: application/json; charset=UTF-8\r\n'
        )
        check = check_of(await post(world, body))

        await world.cancel(check)
        assert (await world.result(check)).body["deviceCorrelationId"] == device.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "words", "target"),
    [
        pytest.param(framed(PHOTO), "multipart/form-data", "boundary", None, id="no boundary"),
        pytest.param(framed(PHOTO).replace(b"\r\n", b"\n"), TYPE, "CRLF", None, id="bare LF"),
        pytest.param(framed(PHOTO).replace(b"\r\n", b"\r"), TYPE, "CRLF", None, id="bare CR"),
        pytest.param(
            framed(PHOTO, file=b'; filename="a"\r\nContent-Transfer-Encoding: base64'),
            TYPE,
            "Content-Transfer-Encoding",
            None,
            id="base64",
        ),
        *(
            pytest.param(
                framed(picture(size), file=b""),
                TYPE,
                "file name",
                "verifyImage",
                id=f"{size} bytes",
            )
            for size in (100_000, 200_000, 6 * 1024 * 1024)
        ),
        pytest.param(
            framed(PHOTO, device=b"x" * 200_000), TYPE, "64", "deviceCorrelationId", id="long id"
        ),
    ],
)
async def test_a_form_that_is_wrong_is_told_what_is_wrong_and_reaches_nobody(
    world: World, body: bytes, content_type: str, words: str, target: str | None
) -> None:
    calls, rows = await world.face_calls(), await world.rows()

    answer = await post(world, body, content_type)

    error = answer.body["error"]
    assert (answer.status, error["code"], error.get("target")) == (400, "InvalidRequest", target)
    assert re.search(words, error["message"])
    assert (await world.face_calls(), await world.rows()) == (calls, rows)


@pytest.mark.parametrize("none", ["NONE", "no_ne"])
async def test_a_finished_try_is_waited_for_however_its_sdk_spells_that_there_is_no_error(
    world: World, none: str
) -> None:
    check = await world.start()
    await world.play(check, "running")
    errors = {"livenessError": none, "recognitionError": none}

    waiting = await world.complete(check, {"digest": "0" * 64, "error": errors})
    row = await world.row(check)
    await world.cancel(check)

    assert (waiting.status, waiting.body["status"]) == (202, "processing")
    assert row["reportedDigest"] == "0" * 64


async def test_a_digest_that_comes_with_an_error_does_not_count(world: World) -> None:
    check = await world.start()
    failed = await world.complete(check, {"digest": "0" * 64, "livenessError": "TimedOut"})
    told = await world.play(check, "realface")
    await world.complete(check, {"digest": told["digest"], "livenessError": ""})

    assert failed.body["status"] == "started"
    assert await world.verdict(check) == ("completed", "passed", [])
    assert (await world.result(check)).body["digest"] == "matched"


async def test_a_compressed_body_is_not_supported_and_the_answer_says_so(world: World) -> None:
    check = await world.start()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body, path = gzip.compress(b"{}"), f"/sessions/{check.session_id}/complete"

    create = await world.create(data=body, headers=headers | FUNCTION_KEY)
    complete = await world.call("POST", path, data=body, headers=headers | check.token)

    for answer in (create, complete):
        assert (answer.status, answer.code) == (415, "UnsupportedMediaType")
        assert "Content-Encoding" in answer.body["error"]["message"]


async def test_health_may_be_asked_for_without_its_body(world: World) -> None:
    answer = await world.call("HEAD", "/health")

    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Cache-Control"] == "no-store"
