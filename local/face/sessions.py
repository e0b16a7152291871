"""What Face knows of a session and how long it lives. No I/O here."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-face-liveness-abuse-monitoring
SESSION_LIFE = timedelta(hours=48)

# The preview's text allows three tries on one token; v1.2 names no number.
TRIES = 3

NEWEST_MODEL = "2024-11-15"


class Kind(StrEnum):
    """What is checked."""

    LIVENESS = "liveness"
    LIVENESS_WITH_VERIFY = "livenessWithVerify"


class Status(StrEnum):
    """Where a session, or one attempt, stands."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class Picture(StrEnum):
    """What is wrong with the picture of an attempt, if anything is."""

    NORMAL = "normal"
    MISSING = "missing"
    TOO_LARGE = "tooLarge"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """What a create asked for."""

    kind: Kind
    token_seconds: int = 600
    has_session_image: bool = False
    model_version: str = NEWEST_MODEL
    returns_image_hash: bool = False
    confidence_threshold: float | None = None
    image_hash: str | None = None
    device_correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of the device, as Face judged it."""

    attempt_id: int
    status: Status
    error_code: str | None = None
    decision: str | None = None
    digest: str | None = None
    session_image_id: str | None = None
    picture: Picture = Picture.NORMAL
    is_identical: bool | None = None
    match_confidence: float | None = None
    verify_image_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session; attempts are newest first, as Face lists them."""

    session_id: str
    request: CreateRequest
    created_at: datetime
    quality: str | None
    model_version: str | None
    status: Status = Status.NOT_STARTED
    attempts: tuple[Attempt, ...] = ()

    def is_alive(self, now: datetime) -> bool:
        """Tell whether Face still knows it."""
        return now < self.created_at + SESSION_LIFE

    def takes_attempts(self, now: datetime) -> bool:
        """Tell whether its token still opens it: neither expired nor used up."""
        expires_at = self.created_at + timedelta(seconds=self.request.token_seconds)
        return now < expires_at and self.status in {Status.NOT_STARTED, Status.RUNNING}


def open_session(request: CreateRequest, *, now: datetime, quality: str) -> Session:
    """Open the session that a create asked for."""
    return Session(
        session_id=str(uuid.uuid4()),
        request=request,
        created_at=now,
        quality=quality if request.image_hash else None,
        model_version=request.model_version,
    )


def new_digest() -> str:
    """Make what ties the device's report to an attempt: 64 upper-case hex digits."""
    return secrets.token_hex(32).upper()


def new_image_id() -> str:
    """Make a session image id: 44 characters of URL-safe base64, as recorded."""
    return secrets.token_urlsafe(33)
