"""What Face tells us, in our own values. Whatever it left out, or said in no known way, is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceImage:
    """What Face thinks of the image it is to verify against."""

    quality: str | None
    face_rectangle: Mapping[str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSession:
    """A session that Face has just opened; the token is seen this once."""

    face_session_id: str
    auth_token: Secret
    reference_image: ReferenceImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of the device."""

    attempt_id: int | None
    status: str | None = None
    has_result: bool = False
    liveness_decision: str | None = None
    digest: str | None = field(default=None, repr=False)
    verify_image_hash: str | None = field(default=None, repr=False)
    is_identical: bool | None = None
    match_confidence: float | None = None
    has_error: bool = False
    error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceAnswer:
    """What Face says of one session."""

    status: str | None
    model_version: str | None = None
    attempts: tuple[Attempt, ...] = ()
