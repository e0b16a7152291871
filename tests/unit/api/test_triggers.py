from datetime import timedelta

import azure.functions as func
import pytest

from shared.api import triggers
from shared.errors import UnreadableMessageError, UnsettledError
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
    [b"", b"null", b"\xff\xfe", SESSION_ID.upper().encode(), SESSION_ID.encode() + b"\n", b'"x"'],
)
async def test_a_message_that_names_no_session_is_poison(body: bytes, desk: Stage) -> None:
    with pytest.raises(UnreadableMessageError):
        await triggers.record_result(desk.app, Message(body, tries=triggers.MAX_DEQUEUE_COUNT))

    assert desk.face.calls == []


async def test_a_message_settles_its_session(desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_passing_answer()
    await triggers.record_result(desk.app, Message(SESSION_ID.encode()))

    assert desk.store.sessions[SESSION_ID].status is Status.COMPLETED


@pytest.mark.parametrize("tries", [None, 1, 11])
async def test_a_message_comes_again_before_its_last_try(tries: int | None, desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_running_answer()

    with pytest.raises(UnsettledError):
        await triggers.record_result(desk.app, Message(SESSION_ID.encode(), tries=tries))


@pytest.mark.parametrize("tries", [12, 13])
async def test_the_last_try_of_a_message_lets_go(tries: int, desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_running_answer()
    await triggers.record_result(desk.app, Message(SESSION_ID.encode(), tries=tries))

    assert desk.store.sessions[SESSION_ID].status is Status.PROCESSING


async def test_the_timer_ends_what_nobody_finished(desk: Stage) -> None:
    desk.store.hold(a_session())
    desk.clock.advance(timedelta(hours=1))
    await triggers.sweep_stale_sessions(desk.app)

    assert desk.store.sessions[SESSION_ID].status is Status.ABANDONED
