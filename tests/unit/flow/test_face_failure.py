import logging

import pytest

from shared.errors import (
    FaceOutcomeUnknownError,
    FaceRefusedError,
    FaceUnavailableError,
    KeyUnavailableError,
)
from shared.flow.face_failure import log_face_failure
from tests.support.builders import SESSION_ID, a_session
from tests.support.fakes import RecordedEvents


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (FaceRefusedError("Face said 404 ResourceNotFound", face_status=404), logging.WARNING),
        (FaceUnavailableError("Face said 503", face_status=503), logging.WARNING),
        (KeyUnavailableError("the vault gave no key"), logging.WARNING),
        (FaceRefusedError("Face said 403, and is left alone", is_breaker_open=True), logging.INFO),
    ],
    ids=str,
)
def test_why_face_said_nothing_is_a_warning_with_the_sessions_id_unless_it_was_not_asked(
    error: FaceOutcomeUnknownError, level: int
) -> None:
    events = RecordedEvents()

    log_face_failure(events, a_session(), "get", error)

    assert events.named("face failed") == [
        {"level": level, "session_id": SESSION_ID, "operation": "get", "cause": error}
    ]
