"""What Face accepts on a create, and which code it refuses the rest with. No I/O here."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from local.face.sessions import NEWEST_MODEL, CreateRequest, Kind

# https://learn.microsoft.com/azure/ai-services/computer-vision/reference-face-error-codes
_TOKEN_SECONDS = range(60, 86_400 + 1)
_IMAGE_BYTES = range(1024, 6 * 1024 * 1024 + 1)
_MAX_ID = 64
_MODES = {"Passive", "PassiveActive"}

# The schema lists the first; the service already answers with the second.
_MODELS = {NEWEST_MODEL, "2025-05-20"}

# How a form writes what is no text: no capitals, no signs of locale.
_ANYTHING = re.compile(r"(?s).*")
_WRITTEN: Mapping[type, re.Pattern[str]] = {
    bool: re.compile(r"true|false"),
    int: re.compile(r"-?[0-9]{1,9}", re.ASCII),
    float: re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII),
}

_IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")

# userCorrelationId is v1.3's, but Microsoft's samples send it to v1.2, which takes no notice.
_FIELDS: Mapping[str, type] = {
    "livenessOperationMode": str,
    "deviceCorrelationId": str,
    "deviceCorrelationIdSetInClient": bool,
    "userCorrelationId": str,
    "enableSessionImage": bool,
    "livenessModelVersion": str,
    "authTokenTimeToLiveInSeconds": int,
}
_VERIFY_FIELDS: Mapping[str, type] = {
    **_FIELDS,
    "returnVerifyImageHash": bool,
    "verifyConfidenceThreshold": float,
}


class FaceRefusal(Exception):  # noqa: N818 - it is Face's answer, not a fault of ours
    """Face says no: a status, a code, a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Refuse in Face's words."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a multipart form; a file has a name."""

    name: str
    filename: str | None
    content: bytes


def create_request_from_json(body: bytes) -> CreateRequest:
    """Read a create of a liveness session."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise FaceRefusal(400, "BadArgument", "The request body is not JSON.") from error
    if not isinstance(fields, dict):
        raise _invalid_body("The request body must be an object.")
    given = {name: value for name, value in fields.items() if value is not None}
    return _create_request(Kind.LIVENESS, given, _FIELDS, image=None)


def create_request_from_parts(parts: list[Part]) -> CreateRequest:
    """Read a create of a liveness session with verify: flat parts, one of them a file."""
    by_name = {part.name: part for part in parts}
    if len(by_name) != len(parts):
        raise _invalid_body("A part is given twice.")
    image = by_name.pop("verifyImage", None)
    fields = {name: _typed_value(part) for name, part in by_name.items()}
    # Microsoft's Android sample leaves the image to the device, so that its absence is accepted.
    content = _image(image) if image else None
    return _create_request(Kind.LIVENESS_WITH_VERIFY, fields, _VERIFY_FIELDS, image=content)


def _create_request(
    kind: Kind, fields: Mapping[str, object], types: Mapping[str, type], *, image: bytes | None
) -> CreateRequest:
    _check_types(fields, types)
    _check_mode(fields)
    _check_device(fields)
    return CreateRequest(
        kind=kind,
        token_seconds=_token_seconds(fields),
        has_session_image=bool(fields.get("enableSessionImage")),
        model_version=_model(fields),
        returns_image_hash=bool(fields.get("returnVerifyImageHash")),
        confidence_threshold=_threshold(fields),
        image_hash=hashlib.sha256(image).hexdigest().upper() if image else None,
        device_correlation_id=cast("str | None", fields.get("deviceCorrelationId")),
    )


def _check_types(fields: Mapping[str, object], types: Mapping[str, type]) -> None:
    for name, value in fields.items():
        if name not in types:
            raise _invalid_body(f"{name} is not a field of this operation.")
        # A float may be written as an integer, but a bool is never a number.
        wanted = (int, float) if types[name] is float else types[name]
        if not isinstance(value, wanted) or isinstance(value, bool) is not (types[name] is bool):
            raise _invalid_body(f"{name} must be of type {types[name].__name__}.")


def _check_mode(fields: Mapping[str, object]) -> None:
    if fields.get("livenessOperationMode") not in _MODES:
        message = "livenessOperationMode must be Passive or PassiveActive."
        raise FaceRefusal(400, "InvalidLivenessOperationMode", message)


def _check_device(fields: Mapping[str, object]) -> None:
    device = cast("str | None", fields.get("deviceCorrelationId"))
    comes_from_client = fields.get("deviceCorrelationIdSetInClient", False)
    fits = device is None if comes_from_client else 1 <= len(device or "") <= _MAX_ID
    if not fits:
        message = "deviceCorrelationId must be 1 to 64 characters, or absent if the client sets it."
        raise FaceRefusal(400, "InvalidDeviceCorrelationId", message)


def _token_seconds(fields: Mapping[str, object]) -> int:
    seconds = cast("int", fields.get("authTokenTimeToLiveInSeconds", 600))
    if seconds not in _TOKEN_SECONDS:
        message = "authTokenTimeToLiveInSeconds must be 60 to 86400."
        raise FaceRefusal(400, "InvalidTokenLifetime", message)
    return seconds


def _model(fields: Mapping[str, object]) -> str:
    model = cast("str", fields.get("livenessModelVersion", NEWEST_MODEL))
    if model not in _MODELS:
        raise _invalid_body("livenessModelVersion is not a known model.")
    return model


def _threshold(fields: Mapping[str, object]) -> float | None:
    threshold = cast("float | None", fields.get("verifyConfidenceThreshold"))
    if threshold is not None and not 0 <= threshold <= 1:
        raise _invalid_body("verifyConfidenceThreshold must be 0 to 1.")
    return threshold


def _typed_value(part: Part) -> object:
    wanted = _VERIFY_FIELDS.get(part.name, str)
    text = part.content.decode(errors="replace")
    if not _WRITTEN.get(wanted, _ANYTHING).fullmatch(text):
        raise _invalid_body(f"{part.name} must be of type {wanted.__name__}.")
    return text == "true" if wanted is bool else wanted(text)


def _image(part: Part) -> bytes:
    if part.filename is None:
        raise _invalid_body("verifyImage must be a file: its part needs a filename.")
    if len(part.content) not in _IMAGE_BYTES:
        raise FaceRefusal(400, "InvalidImageSize", "Image size is too small or too big.")
    if not part.content.startswith(_IMAGE_STARTS):
        raise FaceRefusal(400, "InvalidImage", "Decoding error, image format unsupported.")
    return part.content


def _invalid_body(message: str) -> FaceRefusal:
    return FaceRefusal(400, "InvalidRequestBody", message)
