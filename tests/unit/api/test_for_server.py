import asyncio
import json
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from shared.api import for_server
from shared.api.replies import result_reply
from shared.api.responses import Reply
from shared.errors import (
    InvalidImageError,
    InvalidRequestError,
    LengthRequiredError,
    RequestTooLargeError,
    ResultConsumedError,
    SessionNotFinalError,
    UnreadableRecordError,
    UnsupportedMediaTypeError,
)
from shared.session import transitions
from shared.session.attempts import RecordedAttempt
from shared.session.caller import Caller
from shared.session.face_answer import FaceStatus, Quality, ReferenceImage
from shared.session.kept_image import ImageState, KeptImage
from shared.session.person import CorrelationIds
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Outcome, Reason, Report, Session, Verdict
from tests.rules.source import ROOT
from tests.support.builders import (
    DIGEST,
    NOW,
    PNG,
    RECTANGLE,
    REFERENCE_IMAGE,
    SESSION_ID,
    SessionFields,
    a_session,
    a_verify_session,
    multipart,
)
from tests.support.fakes import SEALER
from tests.support.stage import Stage
from tests.unit.api.requests import a_call, a_create, body_of

# What may come after an end, where nothing did.
AFTERWARDS: dict[str, object] = {
    "sessionImage": "none",
    "faceAttributes": None,
    "faceRequestIds": dict.fromkeys(["create", "get", "delete", "image", "detect"]),
    "lateDigest": "none",
    "consumedAt": None,
    "consumer": None,
}


async def start(desk: Stage, key: str | None = None, **said: object) -> Reply:
    body = json.dumps({"deviceCorrelationId": "device-1", **said}).encode()
    headers = {} if key is None else {"Idempotency_Key": key}
    return await for_server.start_session(
        desk.app, a_create(body, Content_Type="application/json", **headers)
    )


async def test_a_new_session_is_told_in_full(desk: Stage) -> None:
    reply = await start(desk)

    (session,) = desk.store.sessions.values()
    assert reply.status == 201
    assert body_of(reply) == {
        "sessionId": session.session_id,
        "kind": "liveness",
        "status": "started",
        "authToken": "face-auth-token-1",
        "sessionToken": "Ag" + "A" * 41,
        "expiresAt": "2026-03-04T05:16:07.000Z",
        "expiresInSeconds": 600,
        "modelVersion": "2024-11-15",
        "reference": None,
    }
    assert reply.headers == {"Location": f"/api/sessions/{session.session_id}"}


async def test_a_new_session_with_verify_tells_of_its_reference_image(desk: Stage) -> None:
    rectangle = {"top": 1, "left": 2, "width": 3, "height": 4}
    desk.face.reference_image = ReferenceImage(quality=Quality.HIGH, face_rectangle=rectangle)
    content_type, body = multipart({"deviceCorrelationId": "d", "verifyImage": PNG})
    reply = await for_server.start_session(desk.app, a_create(body, Content_Type=content_type))

    assert desk.face.created[0].verify_image == PNG
    assert body_of(reply)["kind"] == "livenessWithVerify"
    assert body_of(reply)["referenceImage"] == {
        "qualityForRecognition": "high",
        "faceRectangle": rectangle,
    }


async def test_a_key_opens_one_session_and_its_repeat_gets_the_seconds_that_are_left(
    desk: Stage,
) -> None:
    first = body_of(await start(desk, "k" * 16))
    desk.clock.advance(timedelta(seconds=9))

    again = await start(desk, "k" * 16)

    assert (again.status, body_of(again)) == (201, {**first, "expiresInSeconds": 591})
    assert again.headers == {"Location": f"/api/sessions/{first['sessionId']}"}
    assert (await start(desk, "l" * 16)).status == 201
    assert len(desk.store.sessions) == 2


@pytest.mark.parametrize(
    "key", ["", "x" * 15, " " * 16, "a b" * 8, "\x7f" * 16, "é" * 16, "x" * 256]
)
async def test_a_key_of_another_shape_opens_nothing(key: str, desk: Stage) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await start(desk, key)

    assert (caught.value.target, desk.face.calls) == ("Idempotency-Key", [])


async def test_a_reply_with_tokens_does_not_print_them(desk: Stage) -> None:
    reply = await start(desk)

    for token in ("authToken", "sessionToken"):
        assert str(body_of(reply)[token]) not in repr(reply)


def test_a_location_begins_with_the_prefix_that_the_host_gives_to_every_route() -> None:
    http = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["http"]

    assert for_server._SESSIONS_PATH.split("/")[1] == http.get("routePrefix", "api")


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "gzip, chunked"])
async def test_a_chunked_body_needs_a_length(coding: str, desk: Stage) -> None:
    with pytest.raises(LengthRequiredError):
        await for_server.start_session(desk.app, a_create(b"", Transfer_Encoding=coding))

    assert desk.face.calls == []


@pytest.mark.parametrize("coding", ["gzip", "br", "Deflate", "identity, gzip", "x"])
async def test_a_compressed_body_is_refused_by_the_headers_name(coding: str, desk: Stage) -> None:
    call = a_create(b"{}", Content_Type="application/json", Content_Encoding=coding)

    with pytest.raises(UnsupportedMediaTypeError, match="Content-Encoding"):
        await for_server.start_session(desk.app, call)
    assert desk.face.calls == []


@pytest.mark.parametrize("coding", ["identity", " Identity ", ""])
async def test_a_body_may_say_that_it_is_not_compressed(coding: str, desk: Stage) -> None:
    body = b'{"deviceCorrelationId":"device-1"}'
    call = a_create(body, Content_Type="application/json", Content_Encoding=coding)

    assert (await for_server.start_session(desk.app, call)).status == 201


@pytest.mark.parametrize("excess", [0, 1], ids=["8-MiB", "one-byte-more"])
async def test_no_body_may_have_more_than_8_mib(excess: int, desk: Stage) -> None:
    _, body = multipart({"verifyImage": b""})
    content_type, body = multipart({"verifyImage": b"\0" * (8 * 1024 * 1024 - len(body) + excess)})

    with pytest.raises(RequestTooLargeError if excess else InvalidRequestError):
        await for_server.start_session(desk.app, a_create(body, Content_Type=content_type))
    assert desk.face.calls == []


@pytest.mark.parametrize("excess", [0, 1], ids=["1-MiB", "one-byte-more"])
async def test_others_are_served_while_a_body_over_1_mib_is_parsed(
    excess: int, desk: Stage
) -> None:
    _, body = multipart({"verifyImage": b""})
    content_type, body = multipart({"verifyImage": b"\0" * (1024 * 1024 - len(body) + excess)})
    served = asyncio.Event()
    asyncio.get_running_loop().call_soon(served.set)

    with pytest.raises(InvalidImageError):
        await for_server.start_session(desk.app, a_create(body, Content_Type=content_type))
    assert served.is_set() is bool(excess)


VERDICT = Verdict(
    outcome=Outcome.INCONCLUSIVE,
    reasons=(Reason.ATTEMPT_ERROR, Reason.VERIFY_MISSING),
    liveness_decision="realface",
    attempt_id=2,
    attempt_count=3,
    error_code="FaceWithMaskDetected",
    is_identical=True,
    match_confidence=0.5,
    verify_image_hash=Comparison.MATCHED,
    digest=Comparison.NOT_PROVIDED,
    model_version="2024-11-15",
    attempts=(
        RecordedAttempt(
            attempt_id=2,
            status=FaceStatus.FAILED,
            error_code="FaceWithMaskDetected",
            error_message="Mask detected on face image.",
            face_rectangle=RECTANGLE,
        ),
    ),
)


SEALED_IDS: SessionFields = {
    "sealed_device_correlation_id": SEALER.seal_id("device-1", session_id=SESSION_ID),
    "sealed_user_correlation_id": SEALER.seal_id("user-1", session_id=SESSION_ID),
}
CALLER = Caller(app_id="app-1", object_id="object-1")


FULL_SESSION = replace(
    a_verify_session(**SEALED_IDS),
    report=Report(digest=DIGEST, result_id="r", liveness_error="l", recognition_error="g"),
    created_by=CALLER,
    reference="order-1",
    reference_source=ReferenceSource.SERVER,
    reference_image=REFERENCE_IMAGE,
)
FULL_RESULT: dict[str, object] = {
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
    "reference": "order-1",
    "attempts": [
        {
            "attemptId": 2,
            "status": "Failed",
            "livenessDecision": None,
            "errorCode": "FaceWithMaskDetected",
            "errorMessage": "Mask detected on face image.",
            "faceRectangle": RECTANGLE,
        }
    ],
    "referenceImage": {
        "source": "server",
        "qualityForRecognition": "high",
        "faceRectangle": RECTANGLE,
    },
    "modelVersion": "2024-11-15",
    **AFTERWARDS,
    "deviceCorrelationId": "device-1",
    "userCorrelationId": "user-1",
    "createdAt": "2026-03-04T05:06:07.000Z",
    "expiresAt": "2026-03-04T05:16:07.000Z",
    "endedAt": "2026-03-04T05:06:08.000Z",
    "createdBy": {"appId": "app-1", "objectId": "object-1"},
}


async def test_a_result_is_told_in_full(desk: Stage) -> None:
    desk.store.hold(transitions.completed(FULL_SESSION, VERDICT, NOW + timedelta(seconds=1)))
    reply = await for_server.get_result(desk.app, a_call(token=None))

    assert body_of(reply) == FULL_RESULT


async def consume(desk: Stage, consumer: object = "payments") -> dict[str, object]:
    body = json.dumps({"consumer": consumer}).encode()
    return body_of(await for_server.consume_result(desk.app, a_call(body=body, token=None)))


async def test_the_first_consumer_has_a_result_for_good(desk: Stage) -> None:
    desk.store.hold(transitions.completed(a_session(), VERDICT, NOW))
    desk.clock.advance(timedelta(seconds=5))

    first = await consume(desk)
    desk.clock.advance(timedelta(seconds=5))

    assert (first["consumer"], first["consumedAt"]) == ("payments", "2026-03-04T05:06:12.000Z")
    assert await consume(desk) == first
    with pytest.raises(ResultConsumedError):
        await consume(desk, "somebody else")
    assert body_of(await for_server.get_result(desk.app, a_call(token=None))) == first


async def test_a_consumer_in_a_body_that_is_not_called_json_consumes_nothing(desk: Stage) -> None:
    desk.store.hold(transitions.completed(a_session(), VERDICT, NOW))
    call = a_call(b'{"consumer": "payments"}', token=None, content_type="text/plain")

    with pytest.raises(UnsupportedMediaTypeError):
        await for_server.consume_result(desk.app, call)

    assert (await consume(desk, "somebody else"))["consumer"] == "somebody else"


async def test_of_many_who_come_at_once_one_consumes(desk: Stage) -> None:
    desk.store.hold(transitions.completed(a_session(), VERDICT, NOW))

    consumers = [f"consumer-{number}" for number in range(9)]
    told = await asyncio.gather(*(consume(desk, one) for one in consumers), return_exceptions=True)

    (winner,) = (one for one in told if isinstance(one, dict))
    assert winner["consumer"] in consumers
    assert sum(isinstance(one, ResultConsumedError) for one in told) == 8


async def test_an_open_session_is_nothing_to_consume_and_says_when_to_come_back(
    desk: Stage,
) -> None:
    desk.store.hold(a_session(look_at=NOW + timedelta(seconds=8)))

    with pytest.raises(SessionNotFinalError) as caught:
        await consume(desk)

    assert caught.value.retry_after_seconds == 8


async def test_a_record_that_no_check_can_have_passed_is_not_served(desk: Stage) -> None:
    forged = replace(VERDICT, outcome=Outcome.PASSED)
    desk.store.hold(transitions.completed(a_session(), forged, NOW))

    for serve in (for_server.get_result(desk.app, a_call(token=None)), consume(desk)):
        with pytest.raises(UnreadableRecordError):
            await serve


async def test_what_is_kept_of_the_picture_is_told_and_the_picture_served(desk: Stage) -> None:
    image = KeptImage(state=ImageState.STORED, face_attributes='[{"faceAttributes": {"mask": 1}}]')
    ended = transitions.completed(a_session(image=image), VERDICT, NOW)
    desk.store.hold(ended)
    desk.images.images[ended.session_id] = b"a picture"

    told = body_of(await for_server.get_result(desk.app, a_call(token=None)))
    served = await for_server.get_session_image(desk.app, a_call(token=None))

    assert told["sessionImage"] == "stored"
    assert told["faceAttributes"] == [{"faceAttributes": {"mask": 1}}]
    assert (served.status, served.body, served.image) == (200, None, b"a picture")


OTHER_VERDICT = Verdict(
    outcome=Outcome.REJECTED,
    reasons=(Reason.SPOOF,),
    liveness_decision="spoofface",
    attempt_id=3,
    attempt_count=4,
    error_code="FaceNotFrontal",
    is_identical=False,
    match_confidence=0.25,
    verify_image_hash=Comparison.MISMATCHED,
    digest=Comparison.MATCHED,
    model_version="2025-05-20",
    attempts=(),
)


@pytest.mark.parametrize("name", [field.name for field in fields(Verdict)])
def test_nothing_that_a_verdict_says_is_left_out_of_the_result(name: str) -> None:
    other = replace(VERDICT, **{name: getattr(OTHER_VERDICT, name)})
    session = a_verify_session(verdict=VERDICT)

    ids = CorrelationIds()

    assert result_reply(session, ids) != result_reply(replace(session, verdict=other), ids)


EMPTY_RESULT: dict[str, object] = {
    "sessionId": SESSION_ID,
    "status": "abandoned",
    "outcome": None,
    "reasons": [],
    "livenessDecision": None,
    "attempt": {"attemptId": None, "attemptCount": None, "errorCode": None},
    "digest": None,
    "reported": {"resultId": None, "livenessError": None, "recognitionError": None},
    "reference": None,
    "attempts": [],
    "referenceImage": None,
    "modelVersion": None,
    **AFTERWARDS,
    "deviceCorrelationId": None,
    "userCorrelationId": None,
    "createdAt": "2026-03-04T05:06:07.000Z",
    "expiresAt": "2026-03-04T05:16:07.000Z",
    "endedAt": "2026-03-04T05:06:07.000Z",
    "createdBy": None,
}


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
    session: Session, verify: object, desk: Stage
) -> None:
    desk.store.hold(transitions.abandoned(session, NOW))
    reply = await for_server.get_result(desk.app, a_call(token=None))

    assert body_of(reply) == EMPTY_RESULT | {"kind": session.kind, "verify": verify}
