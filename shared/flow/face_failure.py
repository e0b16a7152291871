"""What operators learn when Face's word is not to be had."""

import logging

from shared.errors import FaceOutcomeUnknownError
from shared.flow.ports import LogEvent
from shared.session.session import Session


def log_face_failure(
    log: LogEvent, session: Session, operation: str, error: FaceOutcomeUnknownError
) -> None:
    """Log why, with Face's status and code, so that an alert can see it.

    What an open breaker refuses is no news: whoever opened it was told.
    """
    log(
        "face failed",
        level=logging.INFO if error.is_breaker_open else logging.WARNING,
        session_id=session.session_id,
        operation=operation,
        cause=error,
        face_request_id=error.request_id,
        client_request_id=error.client_request_id,
    )
