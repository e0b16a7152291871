"""Sessions as Face puts them on the wire, the oddities of the live service included."""

from collections.abc import Mapping

from local.face.sessions import Attempt, Kind, Session, Status

Json = dict[str, object]

_ATTEMPT_RECTANGLE = {"top": 669, "left": 203, "width": 646, "height": 724}
_REFERENCE_RECTANGLE = {"top": 66, "left": 440, "width": 227, "height": 304}
_MESSAGES: Mapping[str, str] = {"FaceWithMaskDetected": "Mask detected on face image."}


def create_response(session: Session, auth_token: str) -> Json:
    """Answer a create: the whole session, and the one time that its token is told."""
    reference_type: Json = {"referenceType": "image"}  # live, though the schema's enum lacks it
    return {
        "sessionId": session.session_id,
        "authToken": auth_token,
        "status": session.status,
        "modelVersion": session.model_version,
        "results": _results(session, reference_type),
    }


def get_response(session: Session) -> Json:
    """Answer a GET: an empty token, and a model only while not running."""
    names_model = session.status not in {Status.RUNNING, Status.CANCELED}
    model = {"modelVersion": session.model_version} if names_model else {}
    return {
        "sessionId": session.session_id,
        "authToken": "",
        "status": session.status,
        **_present(model),
        "results": _results(session, {}),
    }


def _results(session: Session, reference_type: Json) -> Json:
    results: Json = {"attempts": [_attempt(attempt) for attempt in session.attempts]}
    if session.request.kind is Kind.LIVENESS_WITH_VERIFY:
        results["verifyReferences"] = _references(session, reference_type)
    return results


def _references(session: Session, reference_type: Json) -> list[Json]:
    if session.quality is None:
        return []
    rectangle = {"faceRectangle": _REFERENCE_RECTANGLE}
    return [{**reference_type, **rectangle, "qualityForRecognition": session.quality}]


def _attempt(attempt: Attempt) -> Json:
    head: Json = {"attemptId": attempt.attempt_id, "attemptStatus": attempt.status}
    return head | (
        {"error": _error(attempt)} if attempt.error_code else {"result": _result(attempt)}
    )


def _error(attempt: Attempt) -> Json:
    code = attempt.error_code or ""
    message = _MESSAGES.get(code, f"The attempt ended with {code}.")
    return {"code": code, "message": message, "targets": _targets()}


def _result(attempt: Attempt) -> Json:
    return _present(
        {
            "livenessDecision": attempt.decision,
            "targets": _targets(),
            "digest": attempt.digest,
            "sessionImageId": attempt.session_image_id,
            "verifyResult": _verify_result(attempt),
            "verifyImageHash": attempt.verify_image_hash,
        }
    )


def _verify_result(attempt: Attempt) -> Json | None:
    result = {"matchConfidence": attempt.match_confidence, "isIdentical": attempt.is_identical}
    return _present(result) or None


def _targets() -> Json:
    return {"color": {"faceRectangle": _ATTEMPT_RECTANGLE}}


def _present(fields: Mapping[str, object]) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
