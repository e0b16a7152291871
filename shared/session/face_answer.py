"""What Face answers, in our own values. Whatever it left out, or said in no known way, is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.secret import Secret
from shared.session.ids import FaceSessionId, SessionImageId


class FaceStatus(StrEnum):
    """How far Face says that a session, or one attempt, has come.

    https://learn.microsoft.com/rest/api/face/liveness-session-operations?view=rest-face-v1.2
    """

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class Quality(StrEnum):
    """How well Face could recognize the face in an image."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_GOOD_ENOUGH: Mapping[Quality, set[Quality | None]] = {
    Quality.LOW: {None, *Quality},
    Quality.MEDIUM: {Quality.MEDIUM, Quality.HIGH},
    Quality.HIGH: {Quality.HIGH},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceImage:
    """What Face thinks of the image it is to verify against."""

    quality: Quality | None
    face_rectangle: Mapping[str, int] | None


def is_good_enough(image: ReferenceImage | None, minimum: Quality) -> bool:
    """Tell whether Face finds an image at least this good; what it left open is only ever low."""
    return (image.quality if image else None) in _GOOD_ENOUGH[minimum]


class NoImage(StrEnum):
    """Why there is no picture of a check to be had, neither now nor later."""

    NOT_FOUND = "notFound"
    REFUSED = "refused"
    TOO_LARGE = "tooLarge"
    NO_PLACE = "noPlace"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSession:
    """A session that Face has just created; the token is seen this once."""

    face_session_id: FaceSessionId
    auth_token: Secret
    model_version: str | None = None
    reference_image: ReferenceImage | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of the device."""

    attempt_id: int | None
    status: FaceStatus | None = None
    has_result: bool = False
    liveness_decision: str | None = None
    digest: str | None = field(default=None, repr=False)
    verify_image_hash: str | None = field(default=None, repr=False)
    is_identical: bool | None = None
    match_confidence: float | None = None
    has_error: bool = False
    error_code: str | None = None
    error_message: str | None = None
    face_rectangle: Mapping[str, int] | None = None
    session_image_id: SessionImageId | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceAnswer:
    """What Face says of one session."""

    status: FaceStatus | None
    model_version: str | None = None
    attempts: tuple[Attempt, ...] = ()
    reference_image: ReferenceImage | None = None
