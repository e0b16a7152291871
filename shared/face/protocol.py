"""What Face's REST API is sent, version 1.2: paths, headers, bodies. No I/O here.

The contract: https://learn.microsoft.com/rest/api/face/liveness-session-operations?view=rest-face-v1.2
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.face.choices import NO_CHOICES, FaceChoices
from shared.secret import Secret
from shared.session.session import Kind
from shared.session.start_request import StartRequest

_COLLECTIONS = {
    Kind.LIVENESS: "/face/v1.2/detectLiveness-sessions",
    Kind.LIVENESS_WITH_VERIFY: "/face/v1.2/detectLivenessWithVerify-sessions",
}


class Operation(StrEnum):
    """What Face is asked to do."""

    CREATE = "create"
    GET = "get"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRequest:
    """One call to Face, without its host and its key."""

    operation: Operation
    method: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    image: bytes | None = field(default=None, repr=False)
    is_form: bool = False
    # A session's answer is some kilobytes; whatever is much larger is none of Face's.
    max_answer_bytes: int = 1024 * 1024


def build_create(request: StartRequest, choices: FaceChoices = NO_CHOICES) -> FaceRequest:
    """Ask for a session; with a reference image it is the flat multipart form that v1.2 wants.

    A form without an image leaves that to the device.
    """
    body: dict[str, object] = {
        "livenessOperationMode": request.mode,
        "authTokenTimeToLiveInSeconds": request.token_seconds,
    }
    if request.device_correlation_id is None:
        body["deviceCorrelationIdSetInClient"] = True
    else:
        body["deviceCorrelationId"] = request.device_correlation_id
    if request.user_correlation_id is not None:
        body["userCorrelationId"] = request.user_correlation_id
    if choices.model_version:
        body["livenessModelVersion"] = choices.model_version
    if request.keeps_image:
        body["enableSessionImage"] = True
    is_form = request.kind is Kind.LIVENESS_WITH_VERIFY
    if is_form:
        body["returnVerifyImageHash"] = True
    if is_form and choices.confidence_threshold is not None:
        body["verifyConfidenceThreshold"] = choices.confidence_threshold
    return FaceRequest(
        operation=Operation.CREATE,
        method="POST",
        path=_COLLECTIONS[request.kind],
        body=body,
        image=request.verify_image,
        is_form=is_form,
    )


def build_get(kind: Kind, face_session_id: str) -> FaceRequest:
    """Ask what became of a session."""
    return FaceRequest(operation=Operation.GET, method="GET", path=_path(kind, face_session_id))


def build_delete(kind: Kind, face_session_id: str) -> FaceRequest:
    """Ask to forget a session, which also ends its token."""
    return FaceRequest(
        operation=Operation.DELETE, method="DELETE", path=_path(kind, face_session_id)
    )


def key_header(key: Secret) -> Mapping[str, str]:
    """Show an account's key."""
    return {"Ocp-Apim-Subscription-Key": key.reveal()}


def token_header(token: Secret) -> Mapping[str, str]:
    """Show an Entra token."""
    return {"Authorization": f"Bearer {token.reveal()}"}


def form_text(value: object) -> str:
    """Write a value as a multipart field: Face reads booleans as `true`, never Python's `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(kind: Kind, face_session_id: str) -> str:
    return f"{_COLLECTIONS[kind]}/{face_session_id}"
