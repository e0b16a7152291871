"""Everything that can go wrong, grouped by who has to act.

AppError
├── CallerError                   the caller must change the request
│   ├── InvalidRequestError
│   │   ├── InvalidImageSizeError
│   │   └── InvalidImageError
│   ├── LengthRequiredError, RequestTooLargeError, UnsupportedMediaTypeError
│   ├── UnauthorizedError, ForbiddenError
│   ├── SessionNotFoundError, ImageNotFoundError, ReceiptNotFoundError
│   ├── PersonBeingErasedError, SessionNotFinalError, ResultConsumedError
│   ├── SessionConflictError, EventsOffError, IdempotencyKeyReusedError
│   ├── ReferenceImageQualityError, ReferenceUnusableError
│   └── TooManySessionsError, TooManyAttemptsError
├── DependencyError               someone else must recover; later may work
│   ├── FaceOutcomeUnknownError   nobody knows what Face would say, or has done: never a verdict
│   │   ├── FaceUnavailableError
│   │   ├── FaceRefusedError
│   │   └── KeyUnavailableError
│   ├── CreatesPausedError
│   ├── SigningKeysUnavailableError
│   ├── StoreUnavailableError
│   │   └── UnreadableRecordError
│   ├── NotReadyError
│   └── EventsUnavailableError
├── StoreConflictError            we lost a race: read again, decide again
├── UnreadableMessageError        nobody can act on this message: it belongs in poison
└── ConfigurationError            we must fix the deployment
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType


class AppError(Exception):
    """Something this app knows the name of."""

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        """Say what is wrong, and when trying again may help, if that is known."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class CallerError(AppError):
    """The caller must change the request."""


class InvalidRequestError(CallerError):
    """The request does not say what is wanted, or says it wrongly."""

    def __init__(
        self, message: str, *, target: str | None = None, face_code: str | None = None
    ) -> None:
        """Say what is wrong, where, and which code Face gave if it was Face who said so."""
        super().__init__(message)
        self.target = target
        self.face_code = face_code


class InvalidImageSizeError(InvalidRequestError):
    """The reference image is smaller or larger than Face takes."""


class InvalidImageError(InvalidRequestError):
    """The reference image is none that Face can read."""


class LengthRequiredError(CallerError):
    """The body came in chunks, which the platform delivers empty."""


class RequestTooLargeError(CallerError):
    """The body is larger than any valid request."""


class UnsupportedMediaTypeError(CallerError):
    """The body is of a type that this route does not read."""


class UnauthorizedError(CallerError):
    """The access token is missing or not good; why is for the log."""


class ForbiddenError(CallerError):
    """The caller is known, and may not ask this."""


class SessionNotFoundError(CallerError):
    """There is no such session for this caller."""


class ImageNotFoundError(CallerError):
    """No picture is kept of the session's check."""


class ReceiptNotFoundError(CallerError):
    """No erasure has this receipt, or it was too long ago."""


class PersonBeingErasedError(CallerError):
    """All that is kept of the person is being removed, so nothing new is begun."""


class SessionNotFinalError(CallerError):
    """The session has no result yet."""


class ResultConsumedError(CallerError):
    """Somebody else has made use of the result."""


class SessionConflictError(CallerError):
    """The session is no longer as this request needs it, or others kept changing it."""


class EventsOffError(CallerError):
    """Events are not sent here, so none can be sent again."""


class IdempotencyKeyReusedError(CallerError):
    """The key was used before, for another request."""


class ReferenceImageQualityError(CallerError):
    """Face finds the reference image too poor to verify against."""


class ReferenceUnusableError(CallerError):
    """The session named has no picture that this person may be verified against."""


class TooManySessionsError(CallerError):
    """The person has as many open sessions as may be."""


class TooManyAttemptsError(CallerError):
    """The person has started, or failed, too often."""


class DependencyError(AppError):
    """Someone else must recover; trying again later may work."""


class FaceOutcomeUnknownError(DependencyError):
    """Face was not reached, not asked, or refused us: no verdict may follow from that.

    Nobody knows what it would have said of a check, or whether it has done what was asked.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: int | None = None,
        face_status: int | None = None,
        is_breaker_open: bool = False,
        is_retryable: bool = False,
    ) -> None:
        """Keep what Face answered, if it did, and whether an open breaker kept it from being asked.

        Then the error is of the class of what opened the breaker. A repeat can do no harm where
        Face has provably done nothing. Whoever calls adds both ids.
        """
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.face_status = face_status
        self.is_breaker_open = is_breaker_open
        self.request_id: str | None = None
        self.client_request_id: str | None = None
        self.is_retryable = is_retryable


class FaceUnavailableError(FaceOutcomeUnknownError):
    """Face is down, slow, throttling, or answering nonsense."""


class FaceRefusedError(FaceOutcomeUnknownError):
    """Face said no to us: key, approval or quota."""


class KeyUnavailableError(FaceOutcomeUnknownError):
    """A secret cannot be had from the vault: the Face key, or the app's own."""


class CreatesPausedError(DependencyError):
    """Operators let no session be created for now; what is open goes on."""


class SigningKeysUnavailableError(DependencyError):
    """The keys that access tokens are checked with cannot be had from Entra."""


class StoreUnavailableError(DependencyError):
    """What is kept cannot be read or written now."""

    # Whether what was to be written may be there all the same, or come yet.
    may_be_written = False


class UnreadableRecordError(StoreUnavailableError):
    """A row that is not as we write them, or says what no check can have come to."""


class NotReadyError(DependencyError):
    """Something that the app needs cannot be used now; each part has its own cause."""

    failures: Mapping[str, AppError] = MappingProxyType({})


class EventsUnavailableError(DependencyError):
    """The topic takes no event now; nobody waits for that."""


class StoreConflictError(AppError):
    """Somebody else wrote first, or the answer to our own write was lost."""


class UnreadableMessageError(AppError):
    """A queue message that names no session."""


class ConfigurationError(AppError):
    """Settings are missing or wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Name every problem at once."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
