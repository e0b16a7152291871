"""What operators read when an event was not sent."""

import logging
from datetime import timedelta

from shared.errors import AppError
from shared.flow.ports import LogEvent


def log_event_failure(
    log: LogEvent,
    error: AppError,
    waited: timedelta,
    *,
    session_id: str | None = None,
    receipt_id: str | None = None,
) -> None:
    """Say why, what the event would have told of, and for how long it waits by now."""
    log(
        "event not sent",
        level=logging.WARNING,
        session_id=session_id,
        receipt_id=receipt_id,
        cause=error,
        oldest_seconds=round(waited.total_seconds()),
    )
