"""What Face accepts on a detect from a session image id, and what it sees then. No I/O here.

https://learn.microsoft.com/rest/api/face/face-detection-operations/detect-from-session-image-id?view=rest-face-v1.2
"""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from local.face.answers import Json
from local.face.create_request import FaceRefusal
from local.face.pictures import FACE_RECTANGLE

_RECOGNITION_MODELS = [f"recognition_0{number}" for number in range(1, 5)]
_MODELS_WITH_QUALITY = _RECOGNITION_MODELS[2:]
_RETIRED = {"age", "emotion", "facialHair", "gender", "hair", "makeup", "smile"}
# What each attribute says of the drawing, in the shapes of the specification's example.
_SEEN: Mapping[str, object] = {
    "accessories": [],
    "blur": {"blurLevel": "low", "value": 0.06},
    "exposure": {"exposureLevel": "goodExposure", "value": 0.55},
    "glasses": "noGlasses",
    "headPose": {"roll": 2.1, "yaw": 3, "pitch": 1.6},
    "mask": {"type": "noMask", "noseAndMouthCovered": False},
    "noise": {"noiseLevel": "low", "value": 0.12},
    "occlusion": {"foreheadOccluded": False, "eyeOccluded": False, "mouthOccluded": False},
    "qualityForRecognition": "high",
}
_KNOWN: Mapping[str, Collection[str]] = {
    "detection_01": _SEEN.keys() - {"mask"},
    "detection_02": set(),
    "detection_03": {"blur", "headPose", "mask", "qualityForRecognition"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectRequest:
    """What is asked about a picture."""

    image_id: str
    attributes: tuple[str, ...]
    recognition_model: str
    returns_id: bool
    returns_model: bool


def detect_request(query: Mapping[str, str], body: bytes) -> DetectRequest:
    """Read a detect, with Face's defaults."""
    detection = _one_of(query, "detectionModel", _KNOWN)
    recognition = _one_of(query, "recognitionModel", _RECOGNITION_MODELS)
    names = query.get("returnFaceAttributes", "")
    attributes = tuple(name.strip() for name in names.split(",")) if names else ()
    _check_attributes(attributes, detection, recognition)
    return DetectRequest(
        image_id=_image_id(body),
        attributes=attributes,
        recognition_model=recognition,
        returns_id=_one_of(query, "returnFaceId", ["true", "false"]) == "true",
        returns_model=_one_of(query, "returnRecognitionModel", ["false", "true"]) == "true",
    )


def faces_seen(request: DetectRequest) -> list[Json]:
    """Tell of the one face that every picture has."""
    face: Json = {"faceId": str(uuid.uuid4())} if request.returns_id else {}
    if request.returns_model:
        face["recognitionModel"] = request.recognition_model
    face["faceRectangle"] = FACE_RECTANGLE
    if request.attributes:
        face["faceAttributes"] = {name: _SEEN[name] for name in request.attributes}
    return [face]


def _check_attributes(attributes: tuple[str, ...], detection: str, recognition: str) -> None:
    if _RETIRED.intersection(attributes):
        raise FaceRefusal(403, "UnsupportedFeature", "These attributes are no longer supported.")
    if not _SEEN.keys() >= set(attributes):
        raise _bad_argument("Invalid argument returnFaceAttributes.")
    if not set(attributes) <= set(_KNOWN[detection]):
        raise _bad_argument(f"'returnFaceAttributes' is not supported by {detection}.")
    if "qualityForRecognition" in attributes and recognition not in _MODELS_WITH_QUALITY:
        raise _bad_argument(f"'qualityForRecognition' is not supported by {recognition}.")


def _image_id(body: bytes) -> str:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise _bad_argument("JSON parsing error.") from error
    image_id = fields.get("sessionImageId") if isinstance(fields, dict) else None
    if not isinstance(image_id, str):
        raise _bad_argument("Request body is invalid.")
    return image_id


def _one_of(query: Mapping[str, str], name: str, options: Collection[str]) -> str:
    # The first of them is the default.
    value = query.get(name, next(iter(options)))
    if value not in options:
        raise _bad_argument(f"'{name}' is invalid.")
    return value


def _bad_argument(message: str) -> FaceRefusal:
    return FaceRefusal(400, "BadArgument", message)
