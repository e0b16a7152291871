"""What Face is asked about the picture of a check, and what it answers; version 1.2. No I/O here.

https://learn.microsoft.com/rest/api/face/liveness-session-operations/get-session-image?view=rest-face-v1.2
https://learn.microsoft.com/rest/api/face/face-detection-operations/detect-from-session-image-id?view=rest-face-v1.2
"""

import json
from http import HTTPStatus
from urllib.parse import urlencode

from shared.errors import FaceUnavailableError
from shared.face import answers, lenient_json
from shared.face.answers import FaceResponse
from shared.face.protocol import FaceRequest, Operation
from shared.image_choices import detection_model
from shared.session.face_answer import NoImage
from shared.session.ids import SessionImageId

# The one that was recorded has 0.7 MB.
MAX_IMAGE_BYTES = 8 * 1024 * 1024
# What a column of a table holds: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_MAX_FACES_LENGTH = 32 * 1024
_JPEG = b"\xff\xd8\xff"


def build_get_image(image_id: SessionImageId) -> FaceRequest:
    """Ask for the picture itself, which Face has only while it has the session."""
    return FaceRequest(
        operation=Operation.GET,
        method="GET",
        path=f"/face/v1.2/sessionImages/{image_id}",
        max_answer_bytes=MAX_IMAGE_BYTES,
    )


def build_detect(image_id: SessionImageId, attributes: tuple[str, ...]) -> FaceRequest:
    """Ask what the picture shows."""
    query = {
        "detectionModel": detection_model(attributes),
        # qualityForRecognition needs it, and it is the best there is.
        "recognitionModel": "recognition_04",
        # Face would keep an id of the face, and wants an approval of its own for that.
        "returnFaceId": "false",
        "returnFaceAttributes": ",".join(attributes),
    }
    return FaceRequest(
        operation=Operation.GET,
        method="POST",
        path=f"/face/v1.2/detect?{urlencode(query, safe=',')}",
        body={"sessionImageId": image_id},
    )


def parse_image(response: FaceResponse) -> bytes | NoImage:
    """Understand the answer to a get: the bytes of a JPEG, whatever type Face calls it."""
    if response.status == HTTPStatus.FORBIDDEN:
        return NoImage.REFUSED
    if answers.knows_no_session(response):
        return NoImage.NOT_FOUND
    if response.is_too_large and response.status == HTTPStatus.OK:
        return NoImage.TOO_LARGE
    image = answers.check_status(response).body
    if not image.startswith(_JPEG):
        raise FaceUnavailableError("Face answered nonsense")
    return image


def parse_faces(response: FaceResponse) -> str | None:
    """Understand the answer to a detect: its array of faces, as JSON; None if it never has any."""
    is_refused = response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}
    if is_refused or answers.knows_no_session(response):
        return None
    faces = lenient_json.parse(answers.check_status(response).body)
    if not isinstance(faces, list):
        raise FaceUnavailableError("Face answered nonsense")
    try:
        text = json.dumps(faces, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise FaceUnavailableError("Face answered what is no JSON") from error
    return text if len(text) <= _MAX_FACES_LENGTH else None
