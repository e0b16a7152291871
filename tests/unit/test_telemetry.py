import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import telemetry
from shared.errors import FaceUnavailableError
from shared.session.session import Outcome


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="face_liveness")


def test_a_fact_is_one_line_that_a_query_can_take_apart(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event(
        "session ended", session_id="5ab", outcome=Outcome.PASSED, reasons=None, purged=0
    )

    assert caplog.messages == ['session ended sessionId="5ab" outcome="passed" purged="0"']


def test_an_event_may_stand_alone(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("sweep ended")

    assert caplog.messages == ["sweep ended"]


def test_an_error_is_told_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("face silent", cause=FaceUnavailableError("Face said 503"))

    assert caplog.messages == ['face silent cause="Face said 503"']


@pytest.mark.parametrize(
    "name",
    ["auth_token", "session_token", "key", "digest", "body", "image", "device_correlation_id",
     "user_correlation_id", "face_session_id", "client_ip", "sessionId"],
)  # fmt: skip
def test_what_is_on_no_list_cannot_be_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError):
        telemetry.log_event("session started", level=logging.INFO, **{name: "planted"})

    assert caplog.messages == []


@given(fact=st.text())
@settings(max_examples=200, deadline=None)
def test_a_fact_never_forges_a_line_or_another_fact(fact: str) -> None:
    line = telemetry._one_line(fact)

    assert line.isprintable()
    assert '"' not in line
    assert len(line) == len(fact)


def test_percent_signs_are_no_placeholders(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("face silent", cause="100 %s %d")

    assert caplog.messages == ['face silent cause="100 %s %d"']


def test_the_sdks_say_nothing_below_a_warning() -> None:
    azure = logging.getLogger("azure")
    before = azure.level
    telemetry.silence_sdk_logs()

    sdk = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    assert not sdk.isEnabledFor(logging.INFO)
    assert sdk.isEnabledFor(logging.WARNING)
    azure.setLevel(before)
