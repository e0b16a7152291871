"""Everything that can go wrong, grouped by who has to act.

AppError
├── CallerError                   the caller must change the request
│   ├── InvalidRequestError
│   │   ├── InvalidImageSizeError
│   │   └── InvalidImageError
│   ├── LengthRequiredError
│   ├── RequestTooLargeError
│   ├── UnsupportedMediaTypeError
│   ├── SessionNotFoundError
│   ├── SessionNotFinalError
│   ├── SessionConflictError
│   ├── IdempotencyKeyReusedError
│   ├── ReferenceImageQualityError
│   └── TooManySessionsError
├── DependencyError               someone else must recover; later may work
│   ├── FaceOutcomeUnknownError   nobody knows what Face would say, or has done: never a verdict
│   │   ├── FaceUnavailableError
│   │   ├── FaceRefusedError
│   │   └── KeyUnavailableError
│   ├── StoreUnavailableError
│   │   └── UnreadableRecordError
│   └── EventsUnavailableError
├── StoreConflictError            we lost a race: read again, decide again
├── UnsettledError                the platform must bring the message again
├── UnreadableMessageError        nobody can act on this message: it belongs in poison
└── ConfigurationError            we must fix the deployment
"""

from collections.abc import Sequence


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


class SessionNotFoundError(CallerError):
    """There is no such session for this caller."""


class SessionNotFinalError(CallerError):
    """The session has no result yet."""


class SessionConflictError(CallerError):
    """The session is no longer as this request needs it, or others kept changing it."""


class IdempotencyKeyReusedError(CallerError):
    """The key was used before, for another request."""


class ReferenceImageQualityError(CallerError):
    """Face finds the reference image too poor to verify against."""


class TooManySessionsError(CallerError):
    """The person has as many open sessions as may be."""

    def __init__(self, message: str, *, retry_after_seconds: int = 60) -> None:
        """Say when one of them may have ended."""
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class DependencyError(AppError):
    """Someone else must recover; trying again later may work."""


class FaceOutcomeUnknownError(DependencyError):
    """Face was not reached, not asked, or refused us: no verdict may follow from that.

    Nobody knows what it would have said of a check, or whether it has done what was asked.
    """


class FaceUnavailableError(FaceOutcomeUnknownError):
    """Face is down, slow, throttling, or answering nonsense."""

    def __init__(
        self, message: str, *, retry_after_seconds: int | None = None, is_retryable: bool = False
    ) -> None:
        """Keep how long Face asked us to wait, if it did, and whether a repeat can do no harm."""
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.is_retryable = is_retryable


class FaceRefusedError(FaceOutcomeUnknownError):
    """Face said no to us: key, approval or quota."""


class KeyUnavailableError(FaceOutcomeUnknownError):
    """The Face key cannot be had from the vault."""


class StoreUnavailableError(DependencyError):
    """The table cannot be read or written now."""


class UnreadableRecordError(StoreUnavailableError):
    """A row that is not as we write them."""


class EventsUnavailableError(DependencyError):
    """The topic takes no event now; nobody waits for that."""


class StoreConflictError(AppError):
    """Somebody else wrote first, or the answer to our own write was lost."""


class UnsettledError(AppError):
    """A message's session has no ending yet; the platform must bring the message again."""


class UnreadableMessageError(AppError):
    """A queue message that names no session."""


class ConfigurationError(AppError):
    """Settings are missing or wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Name every problem at once."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
