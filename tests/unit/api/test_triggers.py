import logging
from collections.abc import Callable
from datetime import timedelta

import azure.functions as func
import pytest

from shared import telemetry
from shared.api import triggers
from shared.app import App
from shared.errors import (
    AppError,
    ConfigurationError,
    StoreUnavailableError,
    UnreadableMessageError,
)
from shared.session import transitions
from shared.session.session import Status
from tests.support.builders import NOW, SESSION_ID, a_passing_answer, a_running_answer, a_session
from tests.support.stage import Stage

PROCESSING = transitions.processing(a_session(), NOW)


class Message(func.QueueMessage):
    """A queue message as the platform hands it over."""

    def __init__(self, body: bytes, *, tries: int | None = 1) -> None:
        super().__init__(body=body)
        self._tries = tries

    @property
    def dequeue_count(self) -> int | None:
        return self._tries


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"\xff\xfe", b'"x"', SESSION_ID.upper().encode()),
        *(SESSION_ID.encode() + b"\n", b" " + SESSION_ID.encode()),
    ],
)
async def test_a_message_that_names_no_session_is_poison(body: bytes, desk: Stage) -> None:
    message = Message(body, tries=triggers.MAX_DEQUEUE_COUNT)
    with pytest.raises(UnreadableMessageError):
        await triggers.record_result(message, lambda: desk.app)

    assert desk.face.calls == []


async def test_a_message_settles_its_session(desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_passing_answer()
    await triggers.record_result(Message(SESSION_ID.encode()), lambda: desk.app)

    assert desk.store.sessions[SESSION_ID].status is Status.COMPLETED


@pytest.mark.parametrize(
    ("rest", "trace_id"),
    [
        (f" 00-{'7' * 32}-{'8' * 16}-01", f'"{"7" * 32}"'),
        (f" 00-{'7' * 32}-{'8' * 16}-01 more", None),
        (' {"outcome": "passed"}', None),
        (" ", None),
    ],
)
async def test_beside_its_session_a_message_is_believed_a_trace_and_nothing_else(
    rest: str, trace_id: str | None, desk: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="face_liveness")
    desk.store.hold(PROCESSING)
    desk.face.answer = a_passing_answer()

    await triggers.record_result(Message((SESSION_ID + rest).encode()), lambda: desk.app)
    telemetry.log_event("afterwards")

    assert desk.store.sessions[SESSION_ID].status is Status.COMPLETED
    assert caplog.messages[-1] == " ".join(
        ["afterwards", *([f"traceId={trace_id}"] if trace_id else [])]
    )


async def test_a_message_without_a_result_is_no_failure(desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_running_answer()
    await triggers.record_result(Message(SESSION_ID.encode()), lambda: desk.app)

    assert desk.store.sessions[SESSION_ID].empty_looks == 1


def unconfigured() -> App:
    raise ConfigurationError(["FACE_ENDPOINT is missing"])


def without_a_table() -> App:
    stage = Stage()
    stage.faults.fail("load", StoreUnavailableError("down"))
    return stage.app


@pytest.mark.parametrize(
    ("app", "error"),
    [(unconfigured, ConfigurationError), (without_a_table, StoreUnavailableError)],
)
@pytest.mark.parametrize("tries", [None, 1, 11])
async def test_a_message_that_fails_comes_again_before_its_last_try(
    tries: int | None, app: Callable[[], App], error: type[AppError]
) -> None:
    with pytest.raises(error):
        await triggers.record_result(Message(SESSION_ID.encode(), tries=tries), app)


@pytest.mark.parametrize("app", [unconfigured, without_a_table])
@pytest.mark.parametrize("tries", [12, 13])
async def test_the_last_try_of_a_message_lets_go_whatever_fails_wrong_settings_too(
    tries: int, app: Callable[[], App], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "face_liveness")

    await triggers.record_result(Message(SESSION_ID.encode(), tries=tries), app)

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f'message let go sessionId="{SESSION_ID}" cause="')


async def test_the_timer_ends_what_nobody_finished(desk: Stage) -> None:
    desk.store.hold(a_session())
    desk.clock.advance(timedelta(hours=1))
    await triggers.sweep_stale_sessions(lambda: desk.app)

    assert desk.store.sessions[SESSION_ID].status is Status.ABANDONED
