import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import azure.functions as func
import pytest

from shared import composition
from shared.api import endpoints
from shared.api.responses import Reply
from shared.errors import (
    InvalidRequestError,
    LengthRequiredError,
    RequestTooLargeError,
    SessionConflictError,
    SessionNotFoundError,
    UnreadableMessageError,
    UnsettledError,
)
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart
from shared.session import transitions
from shared.session.session import Comparison, Outcome, Report, Session, Status, Verdict
from tests.support.builders import (
    DIGEST,
    NOW,
    PNG,
    RULES,
    SESSION_ID,
    START_RULES,
    TOKEN,
    a_passing_answer,
    a_running_answer,
    a_session,
    a_verify_session,
    multipart,
)
from tests.support.fakes import Clock, FakeFace, RecordedEvents, SequentialBytes
from tests.support.memory_table import StoreInMemory

if TYPE_CHECKING:
    from shared.composition import App

JSON = {"Content-Type": "application/json"}
URL = f"https://app.test/api/sessions/{SESSION_ID}"


@dataclass
class _Limits:
    max_token_seconds: int = 600


@dataclass
class _App:
    """The app as far as endpoints look into it."""

    start: SessionStart
    flow: LivenessFlow
    settings: _Limits = field(default_factory=_Limits)


@dataclass
class Desk:
    """Endpoints on fakes."""

    face: FakeFace
    store: StoreInMemory
    clock: Clock


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(face=FakeFace(), store=StoreInMemory(), clock=Clock())
    flow = LivenessFlow(
        face=desk.face,
        store=desk.store,
        rules=RULES,
        now=desk.clock,
        log=RecordedEvents(),
    )
    start = SessionStart(
        face=desk.face,
        store=desk.store,
        rules=START_RULES,
        now=desk.clock,
        random_bytes=SequentialBytes(),
        log=RecordedEvents(),
    )
    monkeypatch.setattr(composition, "app", lambda: cast("App", _App(start, flow)))
    monkeypatch.setattr(composition, "now", desk.clock)
    return desk


def a_post(
    body: bytes = b"", url: str = "https://app.test/api/sessions", **headers: str
) -> func.HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest(method="POST", url=url, headers=named, body=body)


def a_call(
    body: bytes = b"", *, session_id: str = SESSION_ID, token: str | None = TOKEN.reveal()
) -> func.HttpRequest:
    headers = {**JSON} if token is None else {**JSON, "X-Session-Token": token}
    return func.HttpRequest(
        method="POST", url=URL, headers=headers, route_params={"session_id": session_id}, body=body
    )


async def start(desk: Desk, **said: object) -> Reply:
    del desk
    body = json.dumps({"deviceCorrelationId": "device-1", **said}).encode()
    return await endpoints.start_session(a_post(body, Content_Type="application/json"))


async def test_a_new_session_is_told_in_full(desk: Desk) -> None:
    reply = await start(desk)

    (session,) = desk.store.sessions.values()
    assert reply == Reply(
        status=201,
        body={
            "sessionId": session.session_id,
            "kind": "liveness",
            "status": "started",
            "authToken": "face-auth-token-1",
            "sessionToken": "AQ" + "A" * 41,
            "expiresAt": "2026-03-04T05:16:07.000Z",
            "expiresInSeconds": 600,
        },
        headers={"Location": f"https://app.test/api/sessions/{session.session_id}"},
    )


async def test_a_new_session_with_verify_tells_of_its_reference_image(desk: Desk) -> None:
    content_type, body = multipart({"deviceCorrelationId": "d", "verifyImage": PNG})
    reply = await endpoints.start_session(a_post(body, Content_Type=content_type))

    assert desk.face.created[0].verify_image == PNG
    assert reply.body is not None
    assert reply.body["kind"] == "livenessWithVerify"
    assert reply.body["referenceImage"] == {"qualityForRecognition": "high", "faceRectangle": None}


async def keyed(key: str) -> Reply:
    body = b'{"deviceCorrelationId": "device-1"}'
    return await endpoints.start_session(
        a_post(body, Content_Type="application/json", Idempotency_Key=key)
    )


async def test_a_key_opens_one_session_and_its_repeat_is_a_SessionConflict(  # noqa: N802
    desk: Desk,
) -> None:
    await keyed("k")

    with pytest.raises(SessionConflictError):
        await keyed("k")
    assert (await keyed("l")).status == 201
    assert len(desk.store.sessions) == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "\x7f", "é", "x" * 256])
async def test_a_key_of_another_shape_opens_nothing(key: str, desk: Desk) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await keyed(key)

    assert (caught.value.target, desk.face.calls) == ("Idempotency-Key", [])


async def test_a_reply_with_tokens_does_not_print_them(desk: Desk) -> None:
    reply = await start(desk)

    assert reply.body is not None
    for token in ("authToken", "sessionToken"):
        assert str(reply.body[token]) not in repr(reply)


async def test_a_token_is_handed_out_no_longer_than_is_allowed(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        await start(desk, authTokenTimeToLiveInSeconds=601)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.test/api/sessions",
        "https://app.test/api/sessions/",
        "https://app.test/api/sessions?code=a-function-key",
        "https://app.test/api/sessions/?code=a-function-key&x=?",
    ],
)
def test_a_location_is_the_requests_url_without_its_query(url: str) -> None:
    assert endpoints._location(url, "id") == "https://app.test/api/sessions/id"


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "gzip, chunked"])
async def test_a_chunked_body_needs_a_length(coding: str, desk: Desk) -> None:
    with pytest.raises(LengthRequiredError):
        await endpoints.start_session(a_post(b"", Transfer_Encoding=coding))

    assert desk.face.calls == []


async def test_no_body_may_have_more_than_8_mib(desk: Desk) -> None:
    body = b"\0" * (8 * 1024 * 1024 + 1)

    for content_type in ("application/json", "text/plain"):
        with pytest.raises(RequestTooLargeError):
            await endpoints.start_session(a_post(body, Content_Type=content_type))
    assert desk.face.calls == []


STARTED = a_session()
PROCESSING = transitions.processing(STARTED, NOW)
ENDED = transitions.completed(
    STARTED,
    Verdict(outcome=Outcome.REJECTED, reasons=("Spoof",), liveness_decision="spoofface"),
    NOW,
)


@pytest.mark.parametrize("session", [STARTED, ENDED], ids=["started", "completed"])
async def test_a_frontend_learns_where_its_session_is_and_never_the_outcome(
    session: Session, desk: Desk
) -> None:
    desk.store.hold(session)
    desk.clock.advance(timedelta(seconds=59, milliseconds=1))

    assert await endpoints.get_session(a_call()) == Reply(
        status=200,
        body={
            "sessionId": SESSION_ID,
            "kind": "liveness",
            "status": session.status,
            "expiresAt": "2026-03-04T05:16:07.000Z",
            "expiresInSeconds": 541,
        },
    )


async def test_a_frontend_that_waits_learns_when_to_come_back(desk: Desk) -> None:
    desk.store.hold(PROCESSING)
    desk.clock.advance(timedelta(days=1))
    reply = await endpoints.get_session(a_call())

    assert reply.body is not None
    assert (reply.status, reply.headers["Retry-After"]) == (200, "5")
    assert (reply.body["status"], reply.body["expiresInSeconds"]) == ("processing", 0)


@pytest.mark.parametrize(
    ("session_id", "token"),
    [(SESSION_ID, None), (SESSION_ID, "wrong"), ("x", TOKEN.reveal()), ("", None)],
)
async def test_without_its_token_a_session_is_not_found(
    session_id: str, token: str | None, desk: Desk
) -> None:
    desk.store.hold(STARTED)
    call = a_call(session_id=session_id, token=token)

    for endpoint in (
        endpoints.get_session,
        endpoints.cancel_session,
        endpoints.complete_session(lambda _: None),
    ):
        with pytest.raises(SessionNotFoundError, match=r"^no such session$"):
            await endpoint(call)


async def test_a_completed_check_is_told_without_its_outcome(desk: Desk) -> None:
    desk.store.hold(STARTED)
    desk.face.answer = a_passing_answer()
    reminders: list[str] = []
    call = a_call(json.dumps({"digest": DIGEST}).encode())
    reply = await endpoints.complete_session(reminders.append)(call)

    assert reply == Reply(status=200, body={"sessionId": SESSION_ID, "status": "completed"})
    assert reminders == []


async def test_a_check_without_a_result_is_accepted_and_the_queue_is_told(desk: Desk) -> None:
    desk.store.hold(STARTED)
    reminders: list[str] = []
    reply = await endpoints.complete_session(reminders.append)(a_call())

    assert reply == Reply(
        status=202,
        body={"sessionId": SESSION_ID, "status": "processing", "retryAfterSeconds": 5},
        headers={"Retry-After": "5"},
    )
    assert reminders == [SESSION_ID]


async def test_a_session_that_is_given_up_is_answered_with_nothing(desk: Desk) -> None:
    desk.store.hold(STARTED)

    assert await endpoints.cancel_session(a_call()) == Reply(status=204)
    assert desk.store.sessions[SESSION_ID].status is Status.CANCELED


VERDICT = Verdict(
    outcome=Outcome.INCONCLUSIVE,
    reasons=("AttemptError", "VerifyMissing"),
    liveness_decision="realface",
    attempt_id=2,
    attempt_count=3,
    error_code="FaceWithMaskDetected",
    is_identical=True,
    match_confidence=0.5,
    verify_image_hash=Comparison.MATCHED,
    digest=Comparison.NOT_PROVIDED,
    model_version="2024-11-15",
)


async def test_a_result_is_told_in_full(desk: Desk) -> None:
    report = Report(digest=DIGEST, result_id="r", liveness_error="l", recognition_error="g")
    session = a_verify_session(user_correlation_id="user-1", report=report)
    desk.store.hold(transitions.completed(session, VERDICT, NOW + timedelta(seconds=1)))
    reply = await endpoints.get_result(a_call(token=None))

    assert reply == Reply(
        status=200,
        body={
            "sessionId": SESSION_ID,
            "kind": "livenessWithVerify",
            "status": "completed",
            "outcome": "inconclusive",
            "reasons": ["AttemptError", "VerifyMissing"],
            "livenessDecision": "realface",
            "attempt": {"attemptId": 2, "attemptCount": 3, "errorCode": "FaceWithMaskDetected"},
            "verify": {"isIdentical": True, "matchConfidence": 0.5, "verifyImageHash": "matched"},
            "digest": "notProvided",
            "reported": {"resultId": "r", "livenessError": "l", "recognitionError": "g"},
            "modelVersion": "2024-11-15",
            "deviceCorrelationId": "device-1",
            "userCorrelationId": "user-1",
            "createdAt": "2026-03-04T05:06:07.000Z",
            "endedAt": "2026-03-04T05:06:08.000Z",
        },
    )


@pytest.mark.parametrize(
    ("session", "verify"),
    [
        pytest.param(a_session(), None, id="liveness"),
        pytest.param(
            a_verify_session(),
            {"isIdentical": None, "matchConfidence": None, "verifyImageHash": None},
            id="with-verify",
        ),
    ],
)
async def test_a_result_without_a_verdict_has_every_key(
    session: Session, verify: object, desk: Desk
) -> None:
    desk.store.hold(transitions.abandoned(replace(session, device_correlation_id=None), NOW))
    reply = await endpoints.get_result(a_call(token=None))

    assert reply.body == {
        "sessionId": SESSION_ID,
        "kind": session.kind,
        "status": "abandoned",
        "outcome": None,
        "reasons": [],
        "livenessDecision": None,
        "attempt": {"attemptId": None, "attemptCount": None, "errorCode": None},
        "verify": verify,
        "digest": None,
        "reported": {"resultId": None, "livenessError": None, "recognitionError": None},
        "modelVersion": None,
        "deviceCorrelationId": None,
        "userCorrelationId": None,
        "createdAt": "2026-03-04T05:06:07.000Z",
        "endedAt": "2026-03-04T05:06:07.000Z",
    }


async def test_health_touches_nothing() -> None:
    assert await endpoints.get_health(a_post()) == Reply(status=200, body={"status": "ok"})


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
async def test_a_message_that_names_no_session_is_poison(body: bytes, desk: Desk) -> None:
    with pytest.raises(UnreadableMessageError):
        await endpoints.record_result(Message(body, tries=endpoints.MAX_DEQUEUE_COUNT))

    assert desk.face.calls == []


async def test_a_message_settles_its_session(desk: Desk) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_passing_answer()
    await endpoints.record_result(Message(SESSION_ID.encode()))

    assert desk.store.sessions[SESSION_ID].status is Status.COMPLETED


@pytest.mark.parametrize("tries", [None, 1, 11])
async def test_a_message_comes_again_before_its_last_try(tries: int | None, desk: Desk) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_running_answer()

    with pytest.raises(UnsettledError):
        await endpoints.record_result(Message(SESSION_ID.encode(), tries=tries))


@pytest.mark.parametrize("tries", [12, 13])
async def test_the_last_try_of_a_message_lets_go(tries: int, desk: Desk) -> None:
    desk.store.hold(PROCESSING)
    desk.face.answer = a_running_answer()
    await endpoints.record_result(Message(SESSION_ID.encode(), tries=tries))

    assert desk.store.sessions[SESSION_ID].status is Status.PROCESSING
