import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import AppError, FaceRefusedError, FaceUnavailableError
from shared.face import image_protocol
from shared.face.answers import FaceResponse
from shared.session.face_answer import NoImage
from tests.support.builders import SESSION_IMAGE_ID
from tests.support.mutations import ODD_VALUES
from tests.support.payloads import SESSION_NOT_FOUND

JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
FACES = [
    {
        "faceRectangle": {"width": 646, "height": 724, "left": 203, "top": 669},
        "faceAttributes": {"qualityForRecognition": "high", "headPose": {"pitch": -0.5}},
    }
]
PARSERS: dict[str, Callable[[FaceResponse], object]] = {
    "image": image_protocol.parse_image,
    "detect": image_protocol.parse_faces,
}


def said(body: object, *, status: int = 200) -> FaceResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FaceResponse(status=status, body=raw, retry_after="7")


def an_error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "words"}}


def outcome(parse: Callable[[FaceResponse], object], response: FaceResponse) -> object:
    try:
        return parse(response)
    except AppError as error:
        return type(error)


def test_an_image_is_asked_for_by_its_id() -> None:
    request = image_protocol.build_get_image(SESSION_IMAGE_ID)

    assert (request.method, request.path) == ("GET", f"/face/v1.2/sessionImages/{SESSION_IMAGE_ID}")
    assert request.body is None


@pytest.mark.parametrize(
    ("attributes", "model"),
    [(("mask", "headPose"), "detection_03"), (("glasses",), "detection_01")],
)
def test_a_detect_names_its_models_and_wants_no_face_id(
    attributes: tuple[str, ...], model: str
) -> None:
    request = image_protocol.build_detect(SESSION_IMAGE_ID, attributes)
    url = urlsplit(request.path)

    assert (request.method, url.path) == ("POST", "/face/v1.2/detect")
    assert request.body == {"sessionImageId": SESSION_IMAGE_ID}
    assert parse_qs(url.query) == {
        "detectionModel": [model],
        "recognitionModel": ["recognition_04"],
        "returnFaceId": ["false"],
        "returnFaceAttributes": [",".join(attributes)],
    }
    assert "%" not in url.query


@pytest.mark.parametrize("size", [3, 671_608])
def test_an_image_is_the_very_bytes_that_came(size: int) -> None:
    image = (JPEG + bytes(size))[:size]

    assert image_protocol.parse_image(said(image)) == image


@pytest.mark.parametrize(
    ("status", "outcome_of_image"), [(200, NoImage.TOO_LARGE), (503, FaceUnavailableError)]
)
def test_an_image_that_is_too_large_is_never_kept_but_an_error_may_pass(
    status: int, outcome_of_image: object
) -> None:
    response = FaceResponse(status=status, body=b"", is_too_large=True)

    assert outcome(image_protocol.parse_image, response) == outcome_of_image
    assert outcome(image_protocol.parse_faces, response) is FaceUnavailableError


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"\x89PNG\r\n\x1a\n", b"GIF89a", JPEG[1:]], ids=repr
)
def test_what_is_no_jpeg_is_no_image_though_face_says_200(body: bytes) -> None:
    with pytest.raises(FaceUnavailableError, match="nonsense"):
        image_protocol.parse_image(said(body))


@pytest.mark.parametrize(
    ("status", "body", "of_image", "of_detect"),
    [
        (400, an_error("BadArgument"), FaceRefusedError, None),
        (401, an_error("401"), FaceRefusedError, FaceRefusedError),
        (403, an_error("UnsupportedFeature"), NoImage.REFUSED, None),
        (403, b"<html>", NoImage.REFUSED, None),
        (404, SESSION_NOT_FOUND, NoImage.NOT_FOUND, None),
        (404, an_error("404"), FaceRefusedError, FaceRefusedError),
        (404, b"<html>", FaceRefusedError, FaceRefusedError),
        (429, an_error("429"), FaceUnavailableError, FaceUnavailableError),
        (500, an_error("Unspecified"), FaceUnavailableError, FaceUnavailableError),
        (503, JPEG, FaceUnavailableError, FaceUnavailableError),
        (302, b"", FaceUnavailableError, FaceUnavailableError),
    ],
)
def test_only_what_face_will_never_give_is_given_up(
    status: int, body: object, of_image: object, of_detect: object
) -> None:
    response = said(body, status=status)

    assert [outcome(parse, response) for parse in PARSERS.values()] == [of_image, of_detect]


@pytest.mark.parametrize("faces", [FACES, []], ids=["one", "none"])
def test_faces_are_kept_as_they_came(faces: object) -> None:
    text = image_protocol.parse_faces(said(faces))

    assert text is not None
    assert json.loads(text) == faces


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"null", b"[NaN]", b"[1e999]", b"[-Infinity]", b"[1", JPEG]
)
def test_what_is_no_array_of_json_is_no_faces(body: bytes) -> None:
    with pytest.raises(FaceUnavailableError, match="Face answered"):
        image_protocol.parse_faces(said(body))


def test_faces_that_no_column_holds_are_given_up() -> None:
    longest = image_protocol.parse_faces(said(["x" * (32 * 1024 - 4)]))

    assert longest is not None
    assert len(longest) == 32 * 1024
    assert image_protocol.parse_faces(said(["x" * (32 * 1024 - 3)])) is None


@given(status=st.integers(100, 599), body=st.binary(max_size=64) | ODD_VALUES)
@settings(max_examples=200, deadline=None)
def test_any_answer_is_an_image_faces_or_an_error_of_ours(status: int, body: object) -> None:
    response = said(body, status=status)
    image, faces = (outcome(parse, response) for parse in PARSERS.values())

    assert isinstance(image, NoImage) or image in {
        FaceRefusedError,
        FaceUnavailableError,
        response.body,
    }
    assert (
        faces is None or isinstance(faces, str) or faces in {FaceRefusedError, FaceUnavailableError}
    )
