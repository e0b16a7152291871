import logging
from typing import Any

import pytest
from azure.keyvault.secrets._generated._utils import model_base
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import telemetry
from shared.errors import FaceUnavailableError
from shared.session.session import Outcome

# It warns, with a traceback, of a body that it cannot read.
_failsafe_logger = model_base._LOGGER


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="face_liveness")


def test_an_event_is_one_line_that_a_query_can_take_apart(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event(
        "session ended", session_id="5ab", outcome=Outcome.PASSED, reasons=None, purged=0
    )

    assert caplog.messages == ['session ended sessionId="5ab" outcome="passed" purged="0"']


def test_an_event_may_stand_alone(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("sweep ended")

    assert caplog.messages == ["sweep ended"]


def test_an_error_is_told_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("face failed", cause=FaceUnavailableError("Face said 503"))

    assert caplog.messages == ['face failed cause="Face said 503"']


def test_a_field_is_written_in_camel_case(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("sweep ended", model_version="1", oldest_seconds=7)

    assert caplog.messages == ['sweep ended modelVersion="1" oldestSeconds="7"']


@pytest.mark.parametrize(
    "name",
    ["auth_token", "session_token", "key", "digest", "body", "image", "device_correlation_id",
     "user_correlation_id", "face_session_id", "client_ip", "sessionId"],
)  # fmt: skip
def test_what_is_on_no_list_is_not_logged_even_around_the_types(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_event: Any = telemetry.log_event
    log_event("session started", kind="liveness", **{name: "planted"})

    assert caplog.messages == ['session started kind="liveness"']


def test_a_wrong_field_is_a_type_error(caplog: pytest.LogCaptureFixture) -> None:
    # mypy judges: it would not let an ignore stand that hides nothing.
    telemetry.log_event("session started", auth_token="planted")  # type: ignore[call-arg]
    telemetry.log_event("session started", purged="many")  # type: ignore[arg-type]

    assert "planted" not in caplog.text


@given(value=st.text())
@settings(max_examples=200, deadline=None)
def test_a_value_never_forges_a_line_or_another_field(value: str) -> None:
    line = telemetry._one_line(value)

    assert line.isprintable()
    assert '"' not in line
    assert len(line) == len(value)


def test_percent_signs_are_no_placeholders(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.log_event("face failed", cause="100 %s %d")

    assert caplog.messages == ['face failed cause="100 %s %d"']


def test_the_sdks_say_nothing_below_a_warning() -> None:
    loggers = [logging.getLogger(name) for name in ("azure", "azure.keyvault")]
    before = [one.level for one in loggers]
    telemetry.silence_sdk_logs()

    sdk = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    assert not sdk.isEnabledFor(logging.INFO)
    assert sdk.isEnabledFor(logging.WARNING)
    assert not _failsafe_logger.isEnabledFor(logging.WARNING)
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)
