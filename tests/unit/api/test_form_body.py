import re
import tracemalloc

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.api import create_body, form_body
from shared.errors import InvalidRequestError, RequestTooLargeError
from tests.support.builders import PNG

MIB = 1024 * 1024
CRLF = b"\r\n"
TEXT = b'form-data; name="userCorrelationId"'
FILE = b'form-data; name="verifyImage"; filename="me.jpg"'


def written(
    *parts: tuple[bytes, bytes], boundary: str = "frontier", preamble: bytes = b""
) -> bytes:
    """Write a form from its parts' dispositions, with whatever headers follow, and contents."""
    delimiter = b"--" + boundary.encode()
    framed = [
        delimiter + CRLF + b"Content-Disposition: " + head + CRLF * 2 + content + CRLF
        for head, content in parts
    ]
    return preamble + b"".join(framed) + delimiter + b"--"


def contents(body: bytes, boundary: str = "frontier") -> dict[str, bytes]:
    return {name: part.content for name, part in form_body.read(body, boundary).items()}


def text_of(head: bytes, content: bytes) -> str:
    return form_body.read(written((TEXT + CRLF + head, content)), "frontier")[
        "userCorrelationId"
    ].text


# RFC 2046, section 5.1.1.
BOUNDARIES = st.from_regex(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", fullmatch=True)
FILE_NAMES = st.binary(max_size=40).map(lambda name: re.sub(rb'[\r\n"]', b"", name))


@st.composite
def photos(draw: st.DrawFn, boundary: str) -> bytes:
    """Draw bytes that are nearly, but nowhere, a delimiter."""
    delimiter = f"\r\n--{boundary}".encode()
    pieces = [delimiter[1:], delimiter[2:], delimiter[:-1], b"\r", b"\n", b"\r\n", b"--", b"\0"]
    photo = b"".join(draw(st.lists(st.sampled_from(pieces) | st.binary(max_size=9), max_size=20)))
    assume(delimiter not in photo)
    return photo


@given(data=st.data(), boundary=BOUNDARIES)
@settings(max_examples=400, deadline=None)
def test_a_photo_never_changes_whatever_its_form(data: st.DataObject, boundary: str) -> None:
    photo = data.draw(photos(boundary))
    file_name = data.draw(FILE_NAMES)
    parts = {
        "verifyImage": (b'form-data; name="verifyImage"; filename="' + file_name + b'"', photo),
        "userCorrelationId": (TEXT, b"user-1"),
        "deviceCorrelationId": (b"form-data; name=deviceCorrelationId", b""),
    }
    order = data.draw(st.permutations(list(parts)))
    preamble = data.draw(st.sampled_from([b"", CRLF, b"This is a form.\r\n", b"\n\r--\r\n"]))
    epilogue = data.draw(st.sampled_from([b"", CRLF, b"\r\nThis was a form.", b"\r\n--"]))

    body = written(*map(parts.__getitem__, order), boundary=boundary, preamble=preamble)
    read = form_body.read(body + epilogue, boundary)

    assert {name: part.content for name, part in read.items()} == {
        name: content for name, (_, content) in parts.items()
    }
    assert [name for name, part in read.items() if part.is_file] == ["verifyImage"]


# The parser reads streams in pieces of 64 KiB, and so does the one that azure-functions has; the
# rest are its multiples, and where a body is parsed elsewhere.
@pytest.mark.parametrize("edge", [64 * 1024, 128 * 1024, 256 * 1024, MIB], ids=str)
@pytest.mark.parametrize("boundary", ["b", "-" * 26 + "1234", "b" * 70], ids=len)
def test_a_photo_never_changes_wherever_its_end_falls(edge: int, boundary: str) -> None:
    start = written((FILE, b""), boundary=boundary).index(CRLF * 2) + 4
    photos = [bytes(edge - start - shift) for shift in range(-2, len(boundary) + 10)]

    for photo in photos:
        last = written((FILE, photo), boundary=boundary)
        first = written((FILE, photo), (TEXT, b"user-1"), boundary=boundary)
        assert contents(last, boundary) == {"verifyImage": photo}
        assert contents(first, boundary) == {"verifyImage": photo, "userCorrelationId": b"user-1"}


FORM = ((TEXT, b"urn:user:1"), (FILE, PNG), (b'form-data; name="last"', b"a:b"))


@pytest.mark.parametrize("boundary", ["frontier", "a:b", "-"])
@pytest.mark.parametrize("bare", [b"\n", b"\r"], ids=["LF", "CR"])
def test_a_form_with_one_bare_line_end_is_refused(bare: bytes, boundary: str) -> None:
    head = CRLF + b"Content-Type: application/octet-stream"
    parts = [(disposition + head, content.replace(CRLF, b"")) for disposition, content in FORM]
    body = written(*parts, boundary=boundary)

    assert len(form_body.read(body, boundary)) == len(FORM)
    for at in [found.start() for found in re.finditer(CRLF, body)]:
        with pytest.raises(InvalidRequestError, match="CRLF"):
            form_body.read(body[:at] + bare + body[at + 2 :], boundary)
    with pytest.raises(InvalidRequestError, match="CRLF"):
        form_body.read(body.replace(CRLF, bare), boundary)


@pytest.mark.parametrize(
    "disposition",
    [
        pytest.param(b'form-data; name="verifyImage"; filename="' + name + b'"', id=label)
        for label, name in {
            "latin-1": "José.jpg".encode("latin-1"),
            "utf-8": "José.jpg".encode(),
            "shift-jis": "予定表.jpg".encode("shift-jis"),
            "ending-in-a-backslash": "表".encode("shift-jis"),
            "utf-16": "me.jpg".encode("utf-16"),
            "quotes": rb"\"me\".jpg",
            "percent": b"me%0D%0A%22.jpg",
            "a-parameter": b"; name=other",
            "a-path": rb"C:\photos\me.jpg",
            "empty": b"",
            "long": b"%F0%9F%98%80" * 255,
        }.items()
    ]
    + [
        pytest.param(b'form-data; name="verifyImage"; filename=me.jpg', id="without-quotes"),
        pytest.param(b"form-data; filename=me.jpg; name=verifyImage", id="before-the-name"),
        pytest.param(b"form-data; name=verifyImage; filename*=utf-8''Jos%C3%A9", id="extended"),
        pytest.param(b"Form-Data;Name=verifyImage;FileName=me.jpg", id="in-another-case"),
    ],
)
def test_a_file_is_one_whatever_its_name(disposition: bytes) -> None:
    part = form_body.read(written((disposition, PNG)), "frontier")["verifyImage"]

    assert (part.is_file, part.content) == (True, PNG)


def test_a_part_without_a_file_name_is_no_file() -> None:
    disposition = b'form-data; name="verifyImage"'
    part = form_body.read(
        written((disposition + CRLF + b"Content-Type: image/png", PNG)), "frontier"
    )

    assert not part["verifyImage"].is_file


@pytest.mark.parametrize("boundary", ["", "other", "front", "frontier ", "\ud800", "a\nb"])
def test_a_form_without_its_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        form_body.read(written(*FORM), boundary)

    assert ("boundary is missing" in str(caught.value)) is (boundary == "")


@pytest.mark.parametrize(
    ("head", "content", "text"),
    [
        pytest.param(b"application/json", b'"user-1"', "user-1", id="a-JSON-string"),
        pytest.param(b"application/json; charset=UTF-8", b'"\\u00fc"', "ü", id="with-an-escape"),
        pytest.param(b"Application/JSON", b' "\xc3\xbc" ', "ü", id="with-blanks-around"),
        pytest.param(b"application/json", b"user-1", "user-1", id="bare-text"),
        pytest.param(b"application/json", b"true", "true", id="true"),
        pytest.param(b"application/json", b"600", "600", id="a-number"),
        pytest.param(b"application/json", b"null", "null", id="null"),
        pytest.param(b"application/json", b'["a"]', '["a"]', id="a-list"),
        pytest.param(b"application/json", b"[" * 4000, "[" * 4000, id="deep-lists"),
        pytest.param(b"application/json", b'"a', '"a', id="half-a-JSON-string"),
        pytest.param(b"text/plain", b'"user-1"', '"user-1"', id="a-quoted-text"),
        pytest.param(b"text/plain; charset=iso-8859-1", b"\xfc", "ü", id="latin-1"),
        pytest.param(b"text/plain; charset=utf-8", b"\xc3\xbc", "ü", id="utf-8"),
        pytest.param(b"text/plain; charset=rot13", b"abc", "abc", id="another-charset"),
        pytest.param(b"text/plain", b"j\xfcrgen", "j\ufffdrgen", id="no-utf-8"),
    ],
)
def test_a_text_is_what_its_type_makes_of_it(head: bytes, content: bytes, text: str) -> None:
    assert text_of(b"Content-Type: " + head, content) == text


@pytest.mark.parametrize("encoding", [b"7bit", b"8BIT", b"binary", b" Binary "])
def test_a_part_may_say_that_it_is_not_encoded(encoding: bytes) -> None:
    assert text_of(b"Content-Transfer-Encoding: " + encoding, b"user-1") == "user-1"


@pytest.mark.parametrize(
    "encoding", [b"base64", b"quoted-printable", b"x-uuencode", b"identity", b""]
)
@pytest.mark.parametrize("name", [b"Content-Transfer-Encoding", b"content-transfer-encoding"])
def test_an_encoded_part_is_refused_by_the_headers_name(name: bytes, encoding: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="Content-Transfer-Encoding"):
        text_of(name + b": " + encoding, b"dXNlci0x")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b'form-data; name=""', id="an-empty-name"),
        pytest.param(b"form-data", id="no-name"),
        pytest.param(b'attachment; name="x"', id="no-form-data"),
        pytest.param(b'form-data; name="x"\r\nno colon', id="a-header-without-a-colon"),
        pytest.param(b'form-data; name="x"\r\nContent-Length: 3', id="another-length"),
        pytest.param(
            b'form-data; name="y"\r\nContent-Disposition: form-data; name="x"', id="two-names"
        ),
        pytest.param(
            b'form-data; name="x"\r\nContent-Type: text/plain\r\ncontent-type: text/plain',
            id="two-types",
        ),
        pytest.param(b'form-data; name="x"' + b"\r\nX-Y: z" * 8, id="nine-headers"),
        pytest.param(b'form-data; name="x"\r\nX: ' + b"y" * 9000, id="a-header-of-9000-bytes"),
    ],
)
def test_a_part_with_a_strange_head_is_refused(head: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        form_body.read(written((head, b"user-1")), "frontier")


@pytest.mark.parametrize("count", [16, 17])
def test_a_form_may_have_16_parts(count: int) -> None:
    body = written(*((b"form-data; name=x%d" % number, b"") for number in range(count)))

    if count == 16:
        assert len(form_body.read(body, "frontier")) == 16
    else:
        with pytest.raises(RequestTooLargeError):
            form_body.read(body, "frontier")


def test_beside_its_body_a_request_holds_little_more_than_its_photo() -> None:
    photo = (PNG + b"\r\n--front" * MIB)[: 6 * MIB]
    body = written((b'form-data; name="deviceCorrelationId"', b"phone"), (FILE, photo))
    tracemalloc.start()
    try:
        request = create_body.parse(
            "multipart/form-data; boundary=frontier", body, max_token_seconds=600
        )
        assert request.verify_image_sha256
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert request.verify_image == photo
    assert peak <= 1.2 * len(photo)
