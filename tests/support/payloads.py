"""What Face says on the wire: recorded from the service or taken from its specification."""

import copy
from typing import Any

from tests.support.builders import (
    DIGEST,
    FACE_SESSION_ID,
    IMAGE_HASH,
    RECTANGLE,
    SESSION_IMAGE_ID,
)

Payload = dict[str, Any]

_REFERENCE_RECTANGLE = {"top": 66, "left": 440, "width": 227, "height": 304}

CREATED: Payload = {
    "sessionId": FACE_SESSION_ID,
    "authToken": "eyJhbGciOi.fake.token",
    "status": "NotStarted",
    "modelVersion": "2024-11-15",
    "results": {"attempts": []},
}
CREATED_WITH_VERIFY: Payload = {
    **CREATED,
    "results": {
        "attempts": [],
        "verifyReferences": [
            {
                "referenceType": "image",
                "faceRectangle": _REFERENCE_RECTANGLE,
                "qualityForRecognition": "high",
            }
        ],
    },
}
RUNNING: Payload = {
    "sessionId": FACE_SESSION_ID,
    "authToken": "",
    "status": "Running",
    "results": {"attempts": []},
}
REAL_FACE: Payload = {
    "sessionId": FACE_SESSION_ID,
    "authToken": "",
    "status": "Succeeded",
    "modelVersion": "2024-11-15",
    "results": {
        "attempts": [
            {
                "attemptId": 1,
                "attemptStatus": "Succeeded",
                "result": {
                    "livenessDecision": "realface",
                    "targets": {"color": {"faceRectangle": RECTANGLE}},
                    "digest": DIGEST.upper(),
                    "sessionImageId": SESSION_IMAGE_ID,
                },
            }
        ]
    },
}
_FAILED_ATTEMPT: Payload = {
    "attemptId": 1,
    "attemptStatus": "Failed",
    "error": {
        "code": "FaceWithMaskDetected",
        "message": "Mask detected on face image.",
        "targets": {"color": {"faceRectangle": RECTANGLE}},
    },
}
FAILED_ONCE: Payload = {
    **RUNNING,
    "results": {"attempts": [_FAILED_ATTEMPT]},
}
CANCELED: Payload = {**RUNNING, "status": "Canceled"}


def _right_person() -> Payload:
    payload = copy.deepcopy(REAL_FACE)
    result = payload["results"]["attempts"][0]["result"]
    result["verifyResult"] = {"matchConfidence": 0.91, "isIdentical": True}
    result["verifyImageHash"] = IMAGE_HASH.upper()
    # A get leaves out referenceType, though the schema requires it.
    payload["results"]["verifyReferences"] = [
        {"faceRectangle": _REFERENCE_RECTANGLE, "qualityForRecognition": "high"}
    ]
    return payload


def _different_person() -> Payload:
    payload = _right_person()
    payload["results"]["attempts"][0]["result"]["verifyResult"] = {
        "matchConfidence": 0.12141934,
        "isIdentical": False,
    }
    return payload


def _second_try() -> Payload:
    payload = copy.deepcopy(REAL_FACE)
    payload["results"]["attempts"][0]["attemptId"] = 2
    payload["results"]["attempts"].append(_FAILED_ATTEMPT)
    return payload


def _spoof_then_real_face() -> Payload:
    payload = copy.deepcopy(REAL_FACE)
    attempts = payload["results"]["attempts"]
    attempts.append(copy.deepcopy(attempts[0]))
    attempts[0]["attemptId"] = 2
    attempts[1]["result"]["livenessDecision"] = "spoofface"
    return payload


RIGHT_PERSON = _right_person()
DIFFERENT_PERSON = _different_person()
SECOND_TRY_NEWEST_FIRST = _second_try()
SPOOF_THEN_REAL_FACE = _spoof_then_real_face()
SESSION_NOT_FOUND: Payload = {
    "error": {
        "code": "SessionNotFound",
        "message": "Session Id is not found. The session id is expired or does not exist.",
    }
}
