import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.api import for_frontend
from shared.api.responses import Reply
from shared.errors import SessionNotFoundError
from shared.session import transitions
from shared.session.session import Outcome, Reason, Session, Status, Verdict
from tests.support.builders import DIGEST, NOW, SESSION_ID, TOKEN, a_passing_answer, a_session
from tests.support.stage import Stage
from tests.unit.api.requests import a_call, body_of

STARTED = a_session()
PROCESSING = transitions.processing(STARTED, NOW)
ENDED = transitions.completed(
    STARTED,
    Verdict(outcome=Outcome.REJECTED, reasons=(Reason.SPOOF,), liveness_decision="spoofface"),
    NOW,
)
ENDPOINTS = (
    for_frontend.get_session,
    for_frontend.cancel_session,
    for_frontend.complete_session,
)


@pytest.mark.parametrize("session", [STARTED, ENDED], ids=["started", "completed"])
async def test_a_frontend_learns_where_its_session_is_and_never_the_outcome(
    session: Session, desk: Stage
) -> None:
    desk.store.hold(session)
    desk.clock.advance(timedelta(seconds=59, milliseconds=1))
    reply = await for_frontend.get_session(desk.app, a_call())

    assert reply.status == 200
    assert body_of(reply) == {
        "sessionId": SESSION_ID,
        "kind": "liveness",
        "status": session.status,
        "expiresAt": "2026-03-04T05:16:07.000Z",
        "expiresInSeconds": 541,
    }


@pytest.mark.parametrize(("passed", "left"), [(0, 30), (0.001, 30), (12.5, 18), (29.5, 1), (99, 1)])
async def test_a_frontend_that_waits_learns_when_somebody_looks_next(
    passed: float, left: int, desk: Stage
) -> None:
    desk.store.hold(replace(PROCESSING, look_at=NOW + timedelta(seconds=30)))
    desk.clock.advance(timedelta(seconds=passed))

    told = await for_frontend.get_session(desk.app, a_call())
    assert (told.status, body_of(told)["retryAfterSeconds"]) == (200, left)
    if left > 1:
        told = await for_frontend.complete_session(desk.app, a_call())
        assert (told.status, body_of(told)["retryAfterSeconds"]) == (202, left)
    assert desk.face.calls == []


async def test_a_token_that_has_expired_has_no_seconds_left(desk: Stage) -> None:
    desk.store.hold(PROCESSING)
    desk.clock.advance(timedelta(days=1))
    body = body_of(await for_frontend.get_session(desk.app, a_call()))

    assert (body["status"], body["expiresInSeconds"]) == ("processing", 0)


@pytest.mark.parametrize(
    ("session_id", "token"),
    [(SESSION_ID, None), (SESSION_ID, "wrong"), ("x", TOKEN.reveal()), ("", None)],
)
async def test_without_its_token_a_session_is_not_found(
    session_id: str, token: str | None, desk: Stage
) -> None:
    desk.store.hold(STARTED)
    call = a_call(session_id=session_id, token=token)

    for endpoint in ENDPOINTS:
        with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
            await endpoint(desk.app, call)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=["status", "cancel", "complete"])
@pytest.mark.parametrize(
    "ended",
    [ENDED, transitions.canceled(STARTED, NOW), transitions.abandoned(PROCESSING, NOW)],
    ids=lambda session: session.status,
)
async def test_a_token_opens_its_session_until_an_hour_after_the_end(
    ended: Session, endpoint: Callable[..., Awaitable[Reply]], desk: Stage
) -> None:
    desk.store.hold(ended)
    desk.clock.advance(timedelta(minutes=59, seconds=59))
    assert (await endpoint(desk.app, a_call())).status in {200, 204}
    desk.clock.advance(timedelta(seconds=1))

    with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
        await endpoint(desk.app, a_call())


async def test_a_token_opens_its_session_as_long_as_that_has_not_ended(desk: Stage) -> None:
    desk.store.hold(STARTED)
    desk.clock.advance(timedelta(days=2))

    assert (await for_frontend.get_session(desk.app, a_call())).status == 200


async def test_a_completed_check_is_told_without_its_outcome(desk: Stage) -> None:
    desk.store.hold(STARTED)
    desk.face.answer = a_passing_answer()
    call = a_call(json.dumps({"digest": DIGEST}).encode())
    reply = await for_frontend.complete_session(desk.app, call)

    assert reply.status == 200
    assert body_of(reply) == {"sessionId": SESSION_ID, "status": "completed"}
    assert desk.queue.sent == []


async def test_a_check_without_a_result_is_accepted_and_put_on_the_queue(desk: Stage) -> None:
    desk.store.hold(STARTED)
    reply = await for_frontend.complete_session(desk.app, a_call())

    assert reply.status == 202
    assert body_of(reply) == {
        "sessionId": SESSION_ID,
        "status": "processing",
        "retryAfterSeconds": 2,
    }
    assert desk.queue.sent == [(SESSION_ID, timedelta(seconds=2))]


async def test_a_session_that_is_given_up_is_answered_with_nothing(desk: Stage) -> None:
    desk.store.hold(STARTED)

    assert await for_frontend.cancel_session(desk.app, a_call()) == Reply(status=204)
    assert desk.store.sessions[SESSION_ID].status is Status.CANCELED
