"""Every request and every reply on one page: what is not here is neither taken nor told.

In a reply each key is always there, null where it has no value, but for those that may be UNSET.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.session.erasure import ErasureStatus
from shared.session.face_answer import FaceStatus
from shared.session.kept_image import ImageState
from shared.session.late_digest import LateDigest
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Kind, Outcome, Status

# When to come back, where nobody knows better.
RETRY_AFTER_SECONDS = 5

MIN_TOKEN_SECONDS = 60

# Read by session/caller_ids: so many UTF-16 units, in Unicode's form C.
_LENGTH = {"minLength": 1, "maxLength": 64}
_REFERENCE_LENGTH = {"minLength": 1, "maxLength": 128}
Reference = Annotated[str, Meta(extra={"max_units": 128}, extra_json_schema=_REFERENCE_LENGTH)]
Id = Annotated[str, Meta(extra={"max_units": 64}, extra_json_schema=_LENGTH)]
SdkText = Annotated[str, Meta(min_length=1, max_length=128)]
Continuation = Annotated[str, Meta(min_length=1, max_length=512)]
# The length keeps out the line break that a `$` lets through.
Sha256 = Annotated[str, Meta(pattern="^[0-9A-Fa-f]{64}$", max_length=64, title="64 hex digits")]
TokenSeconds = Annotated[int, Meta(ge=MIN_TOKEN_SECONDS)]
# UTC, to the millisecond: 2026-03-04T05:06:07.089Z.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

Readiness = Literal["ok", "off"]


class _Shape(Struct, frozen=True, rename="camel"):
    """What requests and replies have in common."""

    def __repr__(self) -> str:
        """Say what this is, and nothing of the tokens and ids in it."""
        return f"{type(self).__name__}(...)"


class RequestBody(_Shape, frozen=True, forbid_unknown_fields=True):
    """The body of a request; null says as little as nothing."""


class CreateBody(RequestBody, frozen=True, kw_only=True):
    """What a server says when it starts a session; a form has the file verifyImage besides."""

    liveness_operation_mode: Literal["Passive", "PassiveActive"] | None = None
    device_correlation_id: Id | None = None
    device_correlation_id_set_in_client: bool | None = None
    user_correlation_id: Id | None = None
    auth_token_time_to_live_in_seconds: TokenSeconds | None = None
    reference: Reference | None = None
    enable_session_image: bool | None = None
    reference_session_id: Id | None = None
    verify_image_set_in_client: bool | None = None
    verify_image_sha256: Sha256 | None = None


class PersonBody(RequestBody, frozen=True, kw_only=True):
    """Whom an operator means: exactly one of the two ids."""

    user_correlation_id: Id | None = None
    device_correlation_id: Id | None = None


class ListBody(PersonBody, frozen=True, kw_only=True):
    """Whose sessions an operator wants, and from where on."""

    continuation: Continuation | None = None


class EraseBody(PersonBody, frozen=True, kw_only=True):
    """Whom an operator wants erased, or of which erasure he asks: exactly one of the three."""

    receipt_id: Id | None = None


class SdkError(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Why a try failed, in the words of Microsoft's SDK."""

    liveness_error: SdkText | None = None
    recognition_error: SdkText | None = None


class CompletionBody(RequestBody, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What a frontend may say of its check when it says that it is over.

    What the SDK hands over may be passed on whole: fields that are not here are not looked at, an
    empty text is taken for none, and what names an error may stand here as well as in `error`.
    """

    digest: Sha256 | None = None
    result_id: SdkText | None = None
    liveness_error: SdkText | None = None
    recognition_error: SdkText | None = None
    error: SdkError | None = None


class ConsumeBody(RequestBody, frozen=True, kw_only=True):
    """Who makes use of a result."""

    consumer: Id


class ReplyBody(_Shape, frozen=True):
    """The body of a reply."""


class FaceRectangle(ReplyBody, frozen=True, kw_only=True):
    """Where the face is, in pixels."""

    top: int
    left: int
    width: int
    height: int


class StartReferenceImage(ReplyBody, frozen=True, kw_only=True):
    """What Face thinks of the image it is to verify against."""

    quality_for_recognition: str | None
    face_rectangle: FaceRectangle | None


class StartReply(ReplyBody, frozen=True, kw_only=True):
    """A new session; its two tokens are told this once."""

    session_id: str
    kind: Kind
    status: Status
    auth_token: str
    session_token: str
    expires_at: Time
    expires_in_seconds: int
    model_version: str | None
    reference: str | None
    reference_image: StartReferenceImage | UnsetType = UNSET


class StatusReply(ReplyBody, frozen=True, kw_only=True):
    """Where a session is; never how it ended."""

    session_id: str
    kind: Kind
    status: Status
    expires_at: Time
    expires_in_seconds: int
    retry_after_seconds: int | UnsetType = UNSET


class CompleteReply(ReplyBody, frozen=True, kw_only=True):
    """What a completion has led to; never the outcome."""

    session_id: str
    status: Status
    retry_after_seconds: int | UnsetType = UNSET


class ResultAttempt(ReplyBody, frozen=True, kw_only=True):
    """The attempt that was judged."""

    attempt_id: int | None
    attempt_count: int | None
    error_code: str | None


class RecordedAttempt(ReplyBody, frozen=True, kw_only=True):
    """One attempt, as Face told it."""

    attempt_id: int | None
    status: FaceStatus | None
    liveness_decision: str | None
    error_code: str | None
    error_message: str | None
    face_rectangle: FaceRectangle | None


class ResultReferenceImage(ReplyBody, frozen=True, kw_only=True):
    """Where the reference image came from, and what Face thinks of it."""

    source: ReferenceSource
    quality_for_recognition: str | None
    face_rectangle: FaceRectangle | None


class ResultVerify(ReplyBody, frozen=True, kw_only=True):
    """How the face compares with the reference image."""

    is_identical: bool | None
    match_confidence: float | None
    verify_image_hash: Comparison | None


class ResultReport(ReplyBody, frozen=True, kw_only=True):
    """What the frontend said; never a reason to pass."""

    result_id: str | None
    liveness_error: str | None
    recognition_error: str | None


class ResultCaller(ReplyBody, frozen=True, kw_only=True):
    """Who has started the session: an application, and whom it acts for."""

    app_id: str
    object_id: str


class ResultFaceRequestIds(ReplyBody, frozen=True, kw_only=True):
    """By which ids Microsoft's support finds the calls to Face: the last of each operation."""

    create: str | None
    get: str | None
    delete: str | None
    image: str | None
    detect: str | None


class ResultReply(ReplyBody, frozen=True, kw_only=True):
    """How a session ended. Only a completed one has an outcome."""

    session_id: str
    kind: Kind
    status: Status
    outcome: Outcome | None
    reasons: tuple[str, ...]
    liveness_decision: str | None
    attempt: ResultAttempt
    verify: ResultVerify | None
    digest: Comparison | None
    late_digest: LateDigest
    reported: ResultReport
    reference: str | None
    attempts: tuple[RecordedAttempt, ...]
    reference_image: ResultReferenceImage | None
    model_version: str | None
    session_image: ImageState
    face_attributes: tuple[dict[str, Any], ...] | None
    face_request_ids: ResultFaceRequestIds
    device_correlation_id: str | None
    user_correlation_id: str | None
    created_at: Time
    expires_at: Time
    ended_at: Time | None
    consumed_at: Time | None
    consumer: str | None
    created_by: ResultCaller | None


class ListedSession(ReplyBody, frozen=True, kw_only=True):
    """One of a person's sessions; how it ended in full is in its result."""

    session_id: str
    kind: Kind
    status: Status
    outcome: Outcome | None
    created_at: Time
    ended_at: Time | None


class ListReply(ReplyBody, frozen=True, kw_only=True):
    """Some of a person's sessions, the newest first; null where these are the last."""

    sessions: tuple[ListedSession, ...]
    continuation: str | None


class EraseReply(ReplyBody, frozen=True, kw_only=True):
    """How far the erasure of a person is, and of how many sessions."""

    receipt_id: str
    sessions: int
    status: ErasureStatus
    erased_at: str | None


class EventReply(ReplyBody, frozen=True, kw_only=True):
    """Whose event will be sent again."""

    session_id: str


class ReadyParts(ReplyBody, frozen=True, kw_only=True):
    """Each part that the app needs."""

    settings: Readiness
    vault: Readiness
    table: Readiness
    queue: Readiness
    face: Readiness
    images: Readiness
    events: Readiness


class ReadyReply(ReplyBody, frozen=True, kw_only=True):
    """The app can do its work."""

    status: Literal["ready"]
    parts: ReadyParts


class HealthReply(ReplyBody, frozen=True, kw_only=True):
    """The app runs."""

    status: Literal["ok"]


class ErrorCause(ReplyBody, frozen=True, kw_only=True):
    """What Azure AI Face called it; or why a part, which the target names, is not ready."""

    code: str
    message: str
    target: str | UnsetType = UNSET


class ErrorDetails(ReplyBody, frozen=True, kw_only=True):
    """What went wrong, by a stable code; the target is the field that is wrong."""

    code: str
    message: str
    target: str | UnsetType = UNSET
    details: tuple[ErrorCause, ...] | UnsetType = UNSET


class ErrorReply(ReplyBody, frozen=True, kw_only=True):
    """An error, in the shape that Azure's services give theirs."""

    error: ErrorDetails
    retry_after_seconds: int | UnsetType = UNSET


# Whoever is given one of these may have to come back later.
Retryable = StatusReply | CompleteReply | ErrorReply
