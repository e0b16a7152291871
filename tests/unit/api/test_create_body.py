import hashlib
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.api import create_body
from shared.errors import (
    CallerError,
    InvalidImageSizeError,
    InvalidRequestError,
    UnsupportedMediaTypeError,
)
from shared.image_choices import ClientReferenceImage, SessionImage
from shared.session.person import Person, PersonKind
from shared.session.reference import ReferenceSource
from shared.session.session import Kind
from shared.session.start_request import Mode, StartRequest
from tests.support.builders import PNG, multipart
from tests.support.mutations import mutated

MIB = 1024 * 1024
FORM: dict[str, str | bytes] = {"deviceCorrelationId": "device-1", "verifyImage": PNG}


def parse_json(said: object, *, max_length: int = 600) -> StartRequest:
    return create_body.parse(
        "application/json", json.dumps(said).encode(), max_token_seconds=max_length
    )


def parse_form(
    parts: dict[str, str | bytes] | None = None,
    *,
    max_length: int = 600,
    filename: str = "face.png",
) -> StartRequest:
    content_type, body = multipart(FORM if parts is None else parts, filename=filename)
    return create_body.parse(content_type, body, max_token_seconds=max_length)


def test_a_device_id_is_all_that_must_be_said() -> None:
    request = parse_json({"deviceCorrelationId": "device-1"})

    assert request == StartRequest(
        mode=Mode.PASSIVE_ACTIVE, token_seconds=600, device_correlation_id="device-1"
    )
    assert (request.kind, request.verify_image_sha256) == (Kind.LIVENESS, None)


def test_everything_that_may_be_said_is_understood() -> None:
    request = parse_json(
        {
            "livenessOperationMode": "Passive",
            "deviceCorrelationIdSetInClient": True,
            "userCorrelationId": "u" * 64,
            "authTokenTimeToLiveInSeconds": 60,
        }
    )

    assert request == StartRequest(
        mode=Mode.PASSIVE, token_seconds=60, user_correlation_id="u" * 64
    )


@pytest.mark.parametrize(
    ("choice", "said", "is_kept"),
    [
        (SessionImage.OFF, None, False),
        (SessionImage.OFF, False, False),
        (SessionImage.ALLOW, None, False),
        (SessionImage.ALLOW, False, False),
        (SessionImage.ALLOW, True, True),
        (SessionImage.ALWAYS, None, True),
        (SessionImage.ALWAYS, False, True),
        (SessionImage.ALWAYS, True, True),
    ],
)
def test_a_picture_is_kept_where_the_deployment_wants_it_or_allows_it(
    choice: SessionImage, *, said: bool | None, is_kept: bool
) -> None:
    fields = {"deviceCorrelationId": "1", "enableSessionImage": said}
    content_type, form = multipart(
        FORM | ({} if said is None else {"enableSessionImage": str(said).lower()})
    )

    for kind, body in [("application/json", json.dumps(fields).encode()), (content_type, form)]:
        request = create_body.parse(kind, body, max_token_seconds=600, session_image=choice)
        assert request.keeps_image is is_kept


HASH = "AB" * 32
CLIENT: dict[str, object] = {"verifyImageSetInClient": True, "verifyImageSha256": HASH}


def parse_reference(said: dict[str, object], *, as_form: bool, image: bytes | None) -> StartRequest:
    fields = {"deviceCorrelationId": "1", **said}
    body = json.dumps(fields).encode()
    content_type = "application/json"
    if as_form:
        parts = {name: str(value).replace("True", "true") for name, value in fields.items()}
        content_type, body = multipart(parts | ({"verifyImage": image} if image else {}))
    return create_body.parse(
        content_type,
        body,
        max_token_seconds=600,
        client_reference_image=ClientReferenceImage.ALLOW,
    )


@pytest.mark.parametrize("as_form", [True, False], ids=["form", "json"])
@pytest.mark.parametrize(
    ("said", "source", "image_hash"),
    [
        ({"referenceSessionId": "5" * 33}, ReferenceSource.SESSION, None),
        (CLIENT, ReferenceSource.CLIENT, HASH.lower()),
    ],
)
def test_a_reference_image_may_be_named_or_left_to_the_device(
    said: dict[str, object], source: ReferenceSource, image_hash: str | None, *, as_form: bool
) -> None:
    request = parse_reference(said, as_form=as_form, image=None)

    assert (request.kind, request.reference_source) == (Kind.LIVENESS_WITH_VERIFY, source)
    assert request.verify_image_sha256 == image_hash


@pytest.mark.parametrize(
    ("said", "image", "target"),
    [
        ({"verifyImageSetInClient": True}, None, "verifyImageSha256"),
        ({"verifyImageSha256": HASH}, PNG, "verifyImageSha256"),
        (CLIENT, PNG, "verifyImage"),
        ({"referenceSessionId": "5" * 33}, PNG, "verifyImage"),
        ({"referenceSessionId": "5" * 33, **CLIENT}, None, "referenceSessionId"),
    ],
)
def test_two_reference_images_or_half_of_one_are_refused(
    said: dict[str, object], image: bytes | None, target: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_reference(said, as_form=True, image=image)

    assert refused.value.target == target


@pytest.mark.parametrize(
    ("max_length", "seconds"), [(60, 60), (599, 599), (600, 600), (86_400, 600)], ids=str
)
def test_a_token_lives_ten_minutes_or_less_if_so_set(max_length: int, seconds: int) -> None:
    assert parse_json({"deviceCorrelationId": "1"}, max_length=max_length).token_seconds == seconds


@pytest.mark.parametrize("seconds", [60, 600])
def test_a_token_may_be_asked_for_a_minute_up_to_what_is_allowed(seconds: int) -> None:
    said = {"deviceCorrelationId": "1", "authTokenTimeToLiveInSeconds": seconds}

    assert parse_json(said).token_seconds == seconds


USER, DEVICE = (Person(kind=kind, id="x") for kind in PersonKind)


@pytest.mark.parametrize(
    ("said", "person"),
    [
        pytest.param({"deviceCorrelationId": "d", "userCorrelationId": "x"}, USER, id="the-user"),
        pytest.param({"deviceCorrelationId": "x"}, DEVICE, id="else-the-device"),
        pytest.param({"deviceCorrelationIdSetInClient": True}, None, id="else-nobody"),
        pytest.param(
            {"deviceCorrelationIdSetInClient": True, "userCorrelationId": "x"},
            USER,
            id="the-user-without-a-device",
        ),
    ],
)
def test_a_session_belongs_with_a_person(said: object, person: Person | None) -> None:
    assert parse_json(said).person == person


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        pytest.param({"deviceCorrelationId": None}, "deviceCorrelationId", id="no-device-id"),
        pytest.param({"deviceCorrelationId": ""}, "deviceCorrelationId", id="empty-device-id"),
        pytest.param({"deviceCorrelationId": "d" * 65}, "deviceCorrelationId", id="long-device-id"),
        pytest.param(
            {"deviceCorrelationIdSetInClient": True}, "deviceCorrelationId", id="device-id-twice"
        ),
        pytest.param(
            {"deviceCorrelationId": None, "deviceCorrelationIdSetInClient": False},
            "deviceCorrelationId",
            id="no-device-id-and-none-from-the-client",
        ),
        pytest.param({"userCorrelationId": "u" * 65}, "userCorrelationId", id="long-user-id"),
        pytest.param({"userCorrelationId": "u\n"}, "userCorrelationId", id="user-id-with-a-line"),
        pytest.param(
            {"authTokenTimeToLiveInSeconds": 59}, "authTokenTimeToLiveInSeconds", id="59-seconds"
        ),
        pytest.param(CLIENT, "verifyImageSetInClient", id="an-image-that-the-device-brings"),
        pytest.param({"verifyImage": "aGk="}, "verifyImage", id="an-image-in-json"),
        pytest.param({"verifyImage": None}, "verifyImage", id="null-for-an-image-in-json"),
        pytest.param({"enableSessionImage": True}, "enableSessionImage", id="session-image"),
        pytest.param({"sendResultsToClient": True}, "sendResultsToClient", id="results-to-client"),
        pytest.param(
            {"verifyConfidenceThreshold": 0.1}, "verifyConfidenceThreshold", id="a-threshold"
        ),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, object], target: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_json({"deviceCorrelationId": "device-1", **changes})

    assert caught.value.target == target


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("deviceCorrelationIdSetInClient", "True", "true or false"),
        ("deviceCorrelationIdSetInClient", "1", "true or false"),
        ("livenessOperationMode", "passive", "Passive or PassiveActive"),
        ("livenessOperationMode", "Active", "Passive or PassiveActive"),
        ("authTokenTimeToLiveInSeconds", "600.0", "a whole number, 60 or more"),
        ("authTokenTimeToLiveInSeconds", "601", "a whole number from 60 to 600"),
    ],
)
def test_who_spells_a_value_in_another_way_is_told_what_to_write(
    name: str, value: str, wanted: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_form({**FORM, name: value})

    assert (str(caught.value), caught.value.target) == (f"{name} must be {wanted}", name)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        pytest.param("Application/JSON", id="in-another-case"),
    ],
)
def test_json_may_be_announced_with_parameters_and_in_any_case(content_type: str) -> None:
    body = b'{"deviceCorrelationId":"device-1"}'

    assert create_body.parse(content_type, body, max_token_seconds=600).mode


def test_multipart_may_be_announced_in_any_case() -> None:
    content_type, body = multipart(FORM)
    content_type = content_type.replace("multipart/form-data", "Multipart/Form-Data")

    assert create_body.parse(content_type, body, max_token_seconds=600).verify_image == PNG


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "image/png"],
)
def test_a_body_of_another_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        create_body.parse(content_type, b"{}", max_token_seconds=600)


def test_a_form_with_an_image_asks_for_verify() -> None:
    request = parse_form(
        {
            "livenessOperationMode": "Passive",
            "deviceCorrelationId": "device-1",
            "deviceCorrelationIdSetInClient": "false",
            "userCorrelationId": "jürgen",
            "authTokenTimeToLiveInSeconds": "300",
            "verifyImage": PNG,
        }
    )

    assert request == StartRequest(
        mode=Mode.PASSIVE,
        token_seconds=300,
        device_correlation_id="device-1",
        user_correlation_id="jürgen",
        verify_image=PNG,
    )
    assert request.kind is Kind.LIVENESS_WITH_VERIFY
    assert request.verify_image_sha256 == hashlib.sha256(PNG).hexdigest()


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        pytest.param({"verifyImage": "text"}, "verifyImage", id="image-as-a-text-field"),
        pytest.param(
            {"authTokenTimeToLiveInSeconds": "\N{SUPERSCRIPT TWO}00"},
            "authTokenTimeToLiveInSeconds",
            id="seconds-in-odd-digits",
        ),
        pytest.param(
            {"authTokenTimeToLiveInSeconds": "1" * 5000},
            "authTokenTimeToLiveInSeconds",
            id="seconds-in-5000-digits",
        ),
        pytest.param({"userCorrelationId": b"a file"}, "userCorrelationId", id="text-as-a-file"),
        pytest.param({"userCorrelationId": ""}, "userCorrelationId", id="empty-text"),
        pytest.param({"another": PNG}, "another", id="another-file"),
        pytest.param({"Parameters": "{}"}, "Parameters", id="a-field-of-the-preview"),
    ],
)
def test_a_wrong_part_is_refused_by_name(changes: dict[str, str | bytes], target: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_form({**FORM, **changes})

    assert caught.value.target == target


def test_text_that_is_not_utf_8_is_refused() -> None:
    content_type, body = multipart({**FORM, "userCorrelationId": "jurgen"})

    with pytest.raises(InvalidRequestError):
        create_body.parse(
            content_type, body.replace(b"jurgen", b"j\xfcrgen"), max_token_seconds=600
        )


def test_a_form_without_an_image_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="there is no file verifyImage") as caught:
        parse_form({"deviceCorrelationId": "device-1"})

    assert caught.value.target == "verifyImage"


@pytest.mark.parametrize(
    "first",
    [{"deviceCorrelationId": "device-1"}, {"verifyImage": PNG}, {"verifyImage": "text"}],
    ids=["text", "file", "text-and-file"],
)
def test_a_part_that_comes_twice_is_refused(first: dict[str, str | bytes]) -> None:
    content_type, body = multipart(first)
    _, whole = multipart(FORM)

    with pytest.raises(InvalidRequestError, match="a name of its own") as caught:
        create_body.parse(
            content_type, body.removesuffix(b"--frontier--\r\n") + whole, max_token_seconds=600
        )

    assert caught.value.target in first


@pytest.mark.parametrize("name", ["user-id", "ger\u00e4t"], ids=["with-a-hyphen", "in-utf-8"])
def test_an_unknown_part_is_named_as_its_caller_wrote_it(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="a field is not one") as caught:
        parse_form(FORM | {name: "x"})

    assert caught.value.target == name


@pytest.mark.parametrize("size", [1023, 6 * MIB + 1], ids=["under-1-KiB", "over-6-MiB"])
def test_an_image_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidImageSizeError):
        parse_form({**FORM, "verifyImage": PNG.ljust(size, b"\0")[:size]})


@pytest.mark.parametrize("length", [65, 4096, 4097, 5 * MIB], ids=str)
@pytest.mark.parametrize("name", ["userCorrelationId", "livenessOperationMode"])
def test_a_text_that_is_too_long_is_refused_by_name_whatever_its_length(
    name: str, length: int
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_form({**FORM, name: "x" * length})

    assert caught.value.target == name


@pytest.mark.parametrize("size", [0, 1023, 100_000, 200_000, 6 * MIB, 7 * MIB], ids=str)
def test_an_image_without_a_file_name_needs_one_whatever_its_size(size: int) -> None:
    content_type, body = multipart({**FORM, "verifyImage": PNG.ljust(size, b"\0")[:size]})
    nameless = body.replace(b'; filename="face.png"', b"")

    with pytest.raises(InvalidRequestError, match="file name") as caught:
        create_body.parse(content_type, nameless, max_token_seconds=600)
    assert caught.value.target == "verifyImage"


@pytest.mark.parametrize("image", [{}, {"verifyImage": "text"}, {"verifyImage": b"tiny"}], ids=str)
def test_an_unknown_part_is_named_before_an_image_that_is_missing_or_wrong(
    image: dict[str, str | bytes],
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_form({**image, "deviceCorrelationID": "device-1"})

    assert caught.value.target == "deviceCorrelationID"


def test_the_parts_of_a_form_may_be_json_each() -> None:
    said = {
        "livenessOperationMode": "Passive",
        "deviceCorrelationIdSetInClient": True,
        "userCorrelationId": "\N{GRINNING FACE}" * 32,
        "authTokenTimeToLiveInSeconds": 300,
    }
    content_type, body = multipart(
        {**{name: json.dumps(value) for name, value in said.items()}, "verifyImage": PNG}
    )
    for name in said:
        head = f'name="{name}"\r\n'.encode()
        body = body.replace(head, head + b"Content-Type: application/json; charset=UTF-8\r\n")

    assert create_body.parse(content_type, body, max_token_seconds=600) == StartRequest(
        mode=Mode.PASSIVE,
        token_seconds=300,
        user_correlation_id="\N{GRINNING FACE}" * 32,
        verify_image=PNG,
    )


def test_a_form_that_was_cut_anywhere_is_refused() -> None:
    content_type, body = multipart({**FORM, "userCorrelationId": "user-1"})
    closed = body.removesuffix(b"\r\n")

    assert create_body.parse(content_type, closed, max_token_seconds=600)
    for length in range(len(closed)):
        with pytest.raises(CallerError):
            create_body.parse(content_type, closed[:length], max_token_seconds=600)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("multipart/form-data", id="no-boundary"),
        pytest.param("multipart/form-data;", id="a-semicolon"),
        pytest.param("multipart/form-data; boundary", id="half-a-boundary"),
        pytest.param("multipart/form-data; boundary=", id="an-empty-boundary"),
        pytest.param('multipart/form-data; boundary=""', id="an-empty-quoted-boundary"),
        pytest.param("multipart/form-data; charset=utf-8", id="another-parameter"),
    ],
)
def test_a_form_without_a_boundary_is_told_so(content_type: str) -> None:
    for body in (multipart(FORM)[1], multipart(FORM, boundary="")[1], b""):
        with pytest.raises(InvalidRequestError, match="boundary is missing"):
            create_body.parse(content_type, body, max_token_seconds=600)


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=32).filter(
    lambda text: text.isprintable() and "\ufffd" not in text and text == text.strip(" ")
)


@given(
    device=TEXTS,
    user=TEXTS,
    noise=st.binary(max_size=300),
    boundary=st.from_regex(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", fullmatch=True),
)
@settings(max_examples=150, deadline=None)
def test_a_form_says_the_same_after_its_journey(
    device: str, user: str, noise: bytes, boundary: str
) -> None:
    image = PNG + noise
    content_type = f'multipart/form-data; boundary="{boundary}"'
    _, body = multipart(
        {"deviceCorrelationId": device, "userCorrelationId": user, "verifyImage": image}, boundary
    )

    assert create_body.parse(content_type, body, max_token_seconds=600) == StartRequest(
        mode=Mode.PASSIVE_ACTIVE,
        token_seconds=600,
        device_correlation_id=unicodedata.normalize("NFC", device),
        user_correlation_id=unicodedata.normalize("NFC", user),
        verify_image=image,
    )


WHOLE_FORM = multipart({**FORM, "authTokenTimeToLiveInSeconds": "60"})[1]


@st.composite
def spoiled_forms(draw: st.DrawFn) -> bytes:
    """Put something else in some places of a form."""
    body = WHOLE_FORM
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(body))), draw(st.integers(0, 40))
        noise = draw(
            st.binary(max_size=20)
            | st.sampled_from(
                [b"--frontier", b"--frontier--", b"\r\n\r\n", b'"; name="', b"*=utf-8''%ff"]
            )
        )
        body = body[:at] + noise + body[at + length :]
    return body


@given(
    content_type=st.sampled_from(
        ["application/json", "multipart/form-data; boundary=frontier", "multipart/form-data"]
    )
    | st.text(max_size=30).map(lambda text: f"multipart/form-data; {text}")
    | st.text(max_size=30),
    body=st.binary(max_size=300)
    | spoiled_forms()
    | mutated({"deviceCorrelationId": "1", "authTokenTimeToLiveInSeconds": 60}).map(
        lambda value: json.dumps(value).encode()
    ),
)
@settings(max_examples=600, deadline=None)
def test_whatever_comes_is_a_request_or_the_callers_mistake(content_type: str, body: bytes) -> None:
    try:
        request = create_body.parse(content_type, body, max_token_seconds=600)
    except CallerError:
        return

    assert 60 <= request.token_seconds <= 600
    assert request.mode in {"Passive", "PassiveActive"}
