"""What Face's REST API answers, version 1.2: lenient in reading, never an outcome by failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import ceil

from shared.errors import (
    FaceRefusedError,
    FaceUnavailableError,
    InvalidImageError,
    InvalidImageSizeError,
    InvalidRequestError,
)
from shared.face import lenient_json
from shared.face.credentials import PAUSE_SECONDS
from shared.secret import Secret
from shared.session.face_answer import (
    Attempt,
    FaceAnswer,
    FaceSession,
    FaceStatus,
    Quality,
    ReferenceImage,
)
from shared.session.face_ids import is_face_id
from shared.session.ids import FaceSessionId, SessionImageId

_FACE_CODE = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_SUCCESS, _REFUSAL = 2, 4
# These say that nothing was done: even a create may follow.
_NOT_EXECUTED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_MAX_WAIT_SECONDS = 3600
_MAX_MESSAGE_LENGTH = 512
_SESSION_NOT_FOUND = "SessionNotFound"
# What Face blames on a request. Any other 400 says that we are set up wrongly, as when an endpoint
# takes no Entra tokens: https://learn.microsoft.com/azure/ai-services/computer-vision/reference-face-error-codes
_REQUEST_CODES = {
    "BadArgument",
    "InvalidDeviceCorrelationId",
    "InvalidImage",
    "InvalidImageSize",
    "InvalidLivenessOperationMode",
    "InvalidRequestBody",
    "InvalidTokenLifetime",
}

# These may as well be about what the deployment chose, such as a model that Face has retired.
_CODES_OF_CHOICES = {"BadArgument", "InvalidRequestBody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceResponse:
    """What came back, not yet understood."""

    status: int
    body: bytes = field(repr=False)
    is_too_large: bool = False
    request_id: str | None = None
    retry_after: str | None = None
    date: str | None = None


def parse_request_id(text: str | None) -> str | None:
    """Take an id from a header, unless it is of no id's shape."""
    return text if text and is_face_id(text) else None


def parse_created(response: FaceResponse, *, has_choices: bool = False) -> FaceSession:
    """Understand the answer to a create, in which this deployment may have had choices."""
    callers_codes = _REQUEST_CODES - _CODES_OF_CHOICES if has_choices else _REQUEST_CODES
    is_bad_request = response.status == HTTPStatus.BAD_REQUEST
    if is_bad_request and (code := _error_code(response)) in callers_codes:
        raise _caller_error(code)
    session = _object_of(check_status(response))
    face_session_id, token = lenient_json.text(session.get("sessionId")), session.get("authToken")
    if not face_session_id or not is_face_id(face_session_id):
        raise FaceUnavailableError("Face opened a session without a usable id")
    if not isinstance(token, str) or not token:
        raise FaceUnavailableError("Face opened a session without a token")
    return FaceSession(
        face_session_id=FaceSessionId(face_session_id),
        auth_token=Secret(token),
        model_version=lenient_json.text(session.get("modelVersion")),
        reference_image=_reference_image(lenient_json.mapping(session.get("results"))),
        request_id=response.request_id,
    )


def parse_result(response: FaceResponse, face_session_id: str) -> FaceAnswer | None:
    """Understand the answer to a get; None when Face says that it knows no such session."""
    if knows_no_session(response):
        return None
    session = _object_of(check_status(response))
    if session.get("sessionId") != face_session_id:
        raise FaceUnavailableError("Face answered about another session")
    results = lenient_json.mapping(session.get("results"))
    attempts = results.get("attempts")
    return FaceAnswer(
        status=lenient_json.word(session.get("status"), FaceStatus),
        model_version=lenient_json.text(session.get("modelVersion")),
        attempts=tuple(map(_attempt, attempts)) if isinstance(attempts, list) else (),
        reference_image=_reference_image(results),
    )


def parse_deleted(response: FaceResponse) -> None:
    """Understand the answer to a delete; a session that Face does not know is deleted."""
    if not knows_no_session(response) and check_status(response).body:
        raise FaceUnavailableError("Face answered nonsense")


def knows_no_session(response: FaceResponse) -> bool:
    """Tell whether Face itself says that it does not have what was asked for."""
    # Only these words are Face's: any other 404 is a wrong endpoint's, or a gateway's.
    return response.status == HTTPStatus.NOT_FOUND and _error_code(response) == _SESSION_NOT_FOUND


def check_status(response: FaceResponse) -> FaceResponse:
    """Return an answer that is no error; of one that is, raise what it comes to."""
    status = response.status
    if response.is_too_large:
        raise FaceUnavailableError("Face answered far too much")
    if status // 100 == _SUCCESS:
        return response
    if status // 100 == _REFUSAL and status != HTTPStatus.TOO_MANY_REQUESTS:
        said = f"Face said {status} {_error_code(response) or ''}".rstrip()
        # Whoever comes sooner with a key that Face does not take finds it no better.
        wait = PAUSE_SECONDS if status == HTTPStatus.UNAUTHORIZED else None
        raise FaceRefusedError(said, face_status=status, retry_after_seconds=wait)
    raise FaceUnavailableError(
        f"Face said {status}",
        retry_after_seconds=_seconds(response),
        face_status=status,
        is_retryable=status in _NOT_EXECUTED,
    )


def _caller_error(code: str) -> InvalidRequestError:
    match code:
        case "InvalidImageSize":
            return InvalidImageSizeError("Face takes no image of this size", target="verifyImage")
        case "InvalidImage":
            return InvalidImageError("Face finds no single face in it", target="verifyImage")
        case _:
            return InvalidRequestError(f"Face does not take this request: {code}", face_code=code)


def _error_code(response: FaceResponse) -> str | None:
    code = lenient_json.mapping(lenient_json.parse(response.body)).get("error")
    text = lenient_json.text(lenient_json.mapping(code).get("code"))
    return text if text and _FACE_CODE.fullmatch(text) else None


def _seconds(response: FaceResponse) -> int | None:
    """Read Retry-After, which is a number of seconds or a date, by the clock of who sent it."""
    text = response.retry_after or ""
    if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        return min(int(text), _MAX_WAIT_SECONDS)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(response.date or "")
    except (OverflowError, TypeError, ValueError):
        return None
    return min(max(1, ceil(wait.total_seconds())), _MAX_WAIT_SECONDS)


def _object_of(response: FaceResponse) -> Mapping[str, object]:
    value = lenient_json.parse(response.body)
    if not isinstance(value, dict):
        raise FaceUnavailableError("Face answered nonsense")
    return value


def _reference_image(results: Mapping[str, object]) -> ReferenceImage | None:
    references = results.get("verifyReferences")
    if not isinstance(references, list) or not references:
        return None
    reference = lenient_json.mapping(references[0])
    return ReferenceImage(
        quality=lenient_json.word(reference.get("qualityForRecognition"), Quality),
        face_rectangle=_rectangle(reference),
    )


def _rectangle(found: Mapping[str, object]) -> Mapping[str, int] | None:
    rectangle = lenient_json.mapping(found.get("faceRectangle"))
    sides = {
        side: lenient_json.int32(rectangle.get(side)) for side in ("top", "left", "width", "height")
    }
    whole = {side: length for side, length in sides.items() if length is not None}
    return whole if len(whole) == len(sides) else None


def _attempt(value: object) -> Attempt:
    attempt = lenient_json.mapping(value)
    result, error = (
        lenient_json.mapping(attempt.get("result")),
        lenient_json.mapping(attempt.get("error")),
    )
    verify = lenient_json.mapping(result.get("verifyResult"))
    is_identical = verify.get("isIdentical")
    return Attempt(
        attempt_id=lenient_json.int32(attempt.get("attemptId")),
        status=lenient_json.word(attempt.get("attemptStatus"), FaceStatus),
        has_result=bool(result),
        liveness_decision=lenient_json.text(result.get("livenessDecision")),
        digest=lenient_json.text(result.get("digest")),
        verify_image_hash=lenient_json.text(result.get("verifyImageHash")),
        is_identical=is_identical if isinstance(is_identical, bool) else None,
        match_confidence=lenient_json.probability(verify.get("matchConfidence")),
        has_error=bool(attempt.get("error")),
        error_code=lenient_json.text(error.get("code")),
        error_message=lenient_json.text(error.get("message"), _MAX_MESSAGE_LENGTH),
        face_rectangle=_target(result) or _target(error),
        session_image_id=_session_image_id(result),
    )


def _target(found: Mapping[str, object]) -> Mapping[str, int] | None:
    targets = lenient_json.mapping(found.get("targets"))
    return _rectangle(lenient_json.mapping(targets.get("color")))


def _session_image_id(result: Mapping[str, object]) -> SessionImageId | None:
    image_id = lenient_json.text(result.get("sessionImageId"))
    return SessionImageId(image_id) if image_id and is_face_id(image_id) else None
