import re

import pytest

from shared import telemetry
from shared.errors import FaceOutcomeUnknownError
from shared.face import answers
from shared.face.answers import FaceResponse
from shared.flow.face_failure import log_face_failure
from tests.rules.source import ROOT
from tests.support.builders import FACE_SESSION_ID, a_session


@pytest.mark.parametrize(
    ("status", "is_refusal"),
    [(400, True), (401, True), (403, True), (404, True), (409, True), (429, False), (503, False)],
)
def test_the_alert_sees_every_refusal_of_face_and_nothing_else(
    status: int,
    is_refusal: bool,  # noqa: FBT001 - a case of the table
    caplog: pytest.LogCaptureFixture,
) -> None:
    alerts = (ROOT / "infra" / "alerts.bicep").read_text(encoding="utf-8")
    (pattern,) = re.findall(r'"face failed" and message matches regex "(.+)"', alerts)
    response = FaceResponse(status=status, body=b"<html>a gateway</html>")

    with pytest.raises(FaceOutcomeUnknownError) as caught:
        answers.parse_result(response, FACE_SESSION_ID)
    log_face_failure(telemetry.log_event, a_session(), "get", caught.value)

    (line,) = caplog.messages
    assert bool(re.search(pattern.replace(r"\"", '"'), line)) is is_refusal
