"""What each error is to a caller: its status, its code, its words."""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from shared import errors
from shared.api.contract import RETRY_AFTER_SECONDS, ErrorCause, ErrorDetails, ErrorReply
from shared.errors import AppError

_UNAVAILABLE = 503

# Looked up along the error's ancestors, so the nearest one counts.
STATUS_BY_ERROR: Mapping[type[AppError], tuple[int, str]] = {
    errors.InvalidRequestError: (400, "InvalidRequest"),
    errors.InvalidImageSizeError: (400, "InvalidImageSize"),
    errors.InvalidImageError: (400, "InvalidImage"),
    errors.UnauthorizedError: (401, "Unauthorized"),
    errors.ForbiddenError: (403, "Forbidden"),
    errors.SessionNotFoundError: (404, "SessionNotFound"),
    errors.ReceiptNotFoundError: (404, "ReceiptNotFound"),
    errors.PersonBeingErasedError: (409, "PersonBeingErased"),
    errors.ImageNotFoundError: (404, "ImageNotFound"),
    errors.SessionNotFinalError: (409, "SessionNotFinal"),
    errors.ResultConsumedError: (409, "ResultConsumed"),
    errors.SessionConflictError: (409, "SessionConflict"),
    errors.EventsOffError: (409, "EventsOff"),
    errors.IdempotencyKeyReusedError: (422, "IdempotencyKeyReused"),
    errors.ReferenceImageQualityError: (422, "ReferenceImageQuality"),
    errors.ReferenceUnusableError: (422, "ReferenceUnusable"),
    errors.TooManySessionsError: (429, "TooManySessions"),
    errors.TooManyAttemptsError: (429, "TooManyAttempts"),
    errors.LengthRequiredError: (411, "LengthRequired"),
    errors.RequestTooLargeError: (413, "RequestTooLarge"),
    errors.UnsupportedMediaTypeError: (415, "UnsupportedMediaType"),
    errors.ConfigurationError: (500, "ConfigurationError"),
    errors.FaceRefusedError: (502, "FaceRefused"),
    errors.FaceUnavailableError: (503, "FaceUnavailable"),
    errors.KeyUnavailableError: (503, "KeyUnavailable"),
    errors.SigningKeysUnavailableError: (503, "KeyUnavailable"),
    errors.StoreUnavailableError: (503, "StoreUnavailable"),
    errors.CreatesPausedError: (503, "CreatesPaused"),
    errors.EventsUnavailableError: (503, "EventsUnavailable"),
    errors.NotReadyError: (503, "NotReady"),
    errors.UnreadableRecordError: (500, "RecordCorrupt"),
}

# An error's own words are for the log; only a CallerError's were written for its caller, and why a
# token is not good helps nobody but whoever forges one.
_MESSAGES: Mapping[str | int, str] = {
    "RecordCorrupt": "The record is not one that this service would have written.",
    401: "The access token is missing or not good.",
    500: "The service is not configured.",
    502: "The service could not use Azure AI Face.",
    503: "The service cannot do this right now; try again later.",
}


def status_of(error: AppError) -> tuple[int, str]:
    """Return the status and the code by which a caller knows an error."""
    return next(STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR)


def error_reply(error: AppError) -> ErrorReply:
    """Tell a caller what went wrong, and when to come back if that may help."""
    status, code = status_of(error)
    return ErrorReply(
        error=_details(error, code, _MESSAGES.get(code) or _MESSAGES.get(status, str(error))),
        retry_after_seconds=_retry_after_seconds(error, status),
    )


def _details(error: AppError, code: str, message: str) -> ErrorDetails:
    if isinstance(error, errors.NotReadyError):
        causes = tuple(_cause_of(part, cause) for part, cause in error.failures.items())
        return ErrorDetails(code=code, message=message, details=causes)
    if not isinstance(error, errors.InvalidRequestError):
        return ErrorDetails(code=code, message=message)
    return ErrorDetails(
        code=code,
        message=message,
        target=error.target or UNSET,
        details=_causes(error.face_code) if error.face_code else UNSET,
    )


def _cause_of(part: str, error: AppError) -> ErrorCause:
    status, code = status_of(error)
    return ErrorCause(
        code=code, target=part, message=_MESSAGES.get(status, "It cannot be used now.")
    )


def _causes(face_code: str) -> tuple[ErrorCause, ...]:
    return (ErrorCause(code=face_code, message="Azure AI Face refused it."),)


def _retry_after_seconds(error: AppError, status: int) -> int | UnsetType:
    wait = error.retry_after_seconds
    if wait is None and status != _UNAVAILABLE:
        return UNSET
    return wait or RETRY_AFTER_SECONDS
