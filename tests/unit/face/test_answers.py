import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import (
    AppError,
    FaceRefusedError,
    FaceUnavailableError,
    InvalidImageError,
    InvalidImageSizeError,
    InvalidRequestError,
)
from shared.face import answers
from shared.face.answers import FaceResponse
from shared.secret import Secret
from shared.session.face_answer import (
    Attempt,
    FaceAnswer,
    FaceSession,
    FaceStatus,
    Quality,
    ReferenceImage,
)
from tests.support import payloads
from tests.support.builders import (
    FACE_SESSION_ID,
    IMAGE_HASH,
    SESSION_IMAGE_ID,
    a_failed_attempt,
    an_answer,
    an_attempt,
)
from tests.support.mutations import mutated
from tests.support.payloads import Payload

REFERENCE = ReferenceImage(
    quality=Quality.HIGH, face_rectangle={"top": 66, "left": 440, "width": 227, "height": 304}
)


def said(payload: object, *, status: int = 200, retry_after: str | None = None) -> FaceResponse:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return FaceResponse(status=status, body=body, retry_after=retry_after)


def error_body(code: str) -> Payload:
    return {"error": {"code": code, "message": "words"}}


def created(response: FaceResponse) -> FaceSession:
    return answers.parse_created(response)


def result(response: FaceResponse) -> FaceAnswer | None:
    return answers.parse_result(response, FACE_SESSION_ID)


def deleted(response: FaceResponse) -> None:
    answers.parse_deleted(response)


PARSERS: dict[str, Callable[[FaceResponse], object]] = {
    "create": created,
    "get": result,
    "delete": deleted,
}


def test_a_new_session_is_understood() -> None:
    assert created(said(payloads.CREATED)) == FaceSession(
        face_session_id=FACE_SESSION_ID,
        auth_token=Secret("eyJhbGciOi.fake.token"),
        model_version="2024-11-15",
    )


def test_a_new_session_with_verify_tells_of_its_reference_image() -> None:
    assert created(said(payloads.CREATED_WITH_VERIFY)).reference_image == REFERENCE


UNKNOWN = ReferenceImage(quality=None, face_rectangle=None)


@pytest.mark.parametrize(
    ("references", "image"),
    [
        pytest.param([], None, id="none"),
        pytest.param("nonsense", None, id="nonsense"),
        pytest.param([None], UNKNOWN, id="null"),
        pytest.param(
            [{"qualityForRecognition": "low", "faceRectangle": {"top": 1, "left": 2, "width": 3}}],
            ReferenceImage(quality=Quality.LOW, face_rectangle=None),
            id="a-side-is-missing",
        ),
        pytest.param([{"qualityForRecognition": "HIGH"}], UNKNOWN, id="a-quality-misspelled"),
        pytest.param([{"qualityForRecognition": ["high"]}], UNKNOWN, id="a-quality-in-a-list"),
        pytest.param(
            [{"faceRectangle": {"top": -1, "left": 0, "width": True, "height": 1.5}}],
            UNKNOWN,
            id="no-such-rectangle",
        ),
    ],
)
def test_what_is_wrong_with_a_reference_image_is_left_out(
    references: object, image: ReferenceImage | None
) -> None:
    payload = {**payloads.CREATED, "results": {"verifyReferences": references}}

    assert created(said(payload)).reference_image == image


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sessionId": None}, id="no-id"),
        pytest.param({"sessionId": ""}, id="empty-id"),
        pytest.param({"sessionId": 7}, id="id-a-number"),
        pytest.param({"sessionId": "../delete"}, id="id-that-is-a-path"),
        pytest.param({"sessionId": "abc?x"}, id="id-with-a-query"),
        pytest.param({"sessionId": "a" * 129}, id="id-too-long"),
        pytest.param({"sessionId": "abc\n"}, id="id-with-a-line"),
        pytest.param({"authToken": ""}, id="empty-token"),
        pytest.param({"authToken": None}, id="no-token"),
        pytest.param({"authToken": 7}, id="token-a-number"),
    ],
)
def test_a_session_that_cannot_be_used_is_none(changes: Payload) -> None:
    with pytest.raises(FaceUnavailableError):
        created(said({**payloads.CREATED, **changes}))


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        pytest.param(
            payloads.RUNNING, FaceAnswer(status=FaceStatus.RUNNING), id="running-without-a-model"
        ),
        pytest.param(
            payloads.REAL_FACE,
            an_answer(an_attempt(is_identical=None, match_confidence=None, verify_image_hash=None)),
            id="real-face",
        ),
        pytest.param(
            payloads.RIGHT_PERSON,
            replace(an_answer(an_attempt()), reference_image=REFERENCE),
            id="right-person",
        ),
        pytest.param(
            payloads.DIFFERENT_PERSON,
            replace(
                an_answer(an_attempt(is_identical=False, match_confidence=0.12141934)),
                reference_image=REFERENCE,
            ),
            id="different-person",
        ),
        pytest.param(
            payloads.SECOND_TRY_NEWEST_FIRST,
            an_answer(
                an_attempt(
                    attempt_id=2, is_identical=None, match_confidence=None, verify_image_hash=None
                ),
                a_failed_attempt(attempt_id=1),
            ),
            id="second-try",
        ),
        pytest.param(
            payloads.FAILED_ONCE,
            FaceAnswer(status=FaceStatus.RUNNING, attempts=(a_failed_attempt(),)),
            id="failed-once",
        ),
        pytest.param(payloads.CANCELED, FaceAnswer(status=FaceStatus.CANCELED), id="canceled"),
    ],
)
def test_what_face_was_seen_to_say_is_understood(payload: Payload, answer: FaceAnswer) -> None:
    assert result(said(payload)) == answer


def attempt_from(changes: Payload) -> Attempt:
    attempts = [{"attemptId": 1, "attemptStatus": "Succeeded", **changes}]
    answer = result(said({**payloads.RUNNING, "results": {"attempts": attempts}}))
    assert answer is not None
    return answer.attempts[0]


NO_ID = Attempt(attempt_id=None, status=FaceStatus.SUCCEEDED)
IN_ERROR = Attempt(attempt_id=1, status=FaceStatus.SUCCEEDED, has_error=True)


@pytest.mark.parametrize(
    ("changes", "attempt"),
    [
        pytest.param({}, Attempt(attempt_id=1, status=FaceStatus.SUCCEEDED), id="no-result"),
        pytest.param({"result": None, "error": None}, attempt_from({}), id="null"),
        pytest.param({"result": []}, attempt_from({}), id="result-a-list"),
        pytest.param({"result": {}}, attempt_from({}), id="result-empty"),
        pytest.param({"attemptId": True}, NO_ID, id="id-true"),
        pytest.param({"attemptId": "2"}, NO_ID, id="id-text"),
        pytest.param({"attemptId": 2**31}, NO_ID, id="id-huge"),
        pytest.param({"attemptStatus": 5}, Attempt(attempt_id=1), id="status-a-number"),
        pytest.param({"attemptStatus": "Paused"}, Attempt(attempt_id=1), id="status-unheard-of"),
        pytest.param({"attemptStatus": "succeeded"}, Attempt(attempt_id=1), id="status-misspelled"),
        pytest.param(
            {"error": {"message": "no code"}},
            replace(IN_ERROR, error_message="no code"),
            id="error-without-a-code",
        ),
        pytest.param({"error": "words"}, IN_ERROR, id="error-in-words"),
        pytest.param(
            {
                "verifyResult": {"isIdentical": True, "matchConfidence": 1},
                "verifyImageHash": IMAGE_HASH,
                "livenessDecision": "realface",
            },
            attempt_from({}),
            id="a-result-beside-its-place",
        ),
    ],
)
def test_what_is_wrong_with_an_attempt_is_left_out(changes: Payload, attempt: Attempt) -> None:
    assert attempt_from(changes) == attempt


@pytest.mark.parametrize(
    ("result", "image_id"),
    [
        ({"sessionImageId": SESSION_IMAGE_ID}, SESSION_IMAGE_ID),
        (
            {"sessionImageId": "aa93ce80-9a9b-48bd-ae1a-1c7543841e92"},
            "aa93ce80-9a9b-48bd-ae1a-1c7543841e92",
        ),
        ({"sessionImageId": "../detectLiveness-sessions"}, None),
        ({"sessionImageId": "a?x=1"}, None),
        ({"sessionImageId": "a" * 129}, None),
        ({"sessionImageId": ["a"]}, None),
        ({"livenessDecision": "realface"}, None),
    ],
    ids=["recorded", "as in the examples", "a path", "a query", "too long", "a list", "none"],
)
def test_an_image_is_known_by_an_id_that_can_be_part_of_a_path(
    result: Payload, image_id: str | None
) -> None:
    assert attempt_from({"result": result}).session_image_id == image_id


def test_a_message_that_is_too_long_and_half_a_rectangle_are_left_out() -> None:
    odd = {"error": {"message": "x" * 513, "targets": {"color": {"faceRectangle": {"top": 1}}}}}

    attempt = attempt_from(odd)

    assert (attempt.error_message, attempt.face_rectangle) == (None, None)


@pytest.mark.parametrize(
    ("confidence", "understood"),
    [(0, 0.0), (1, 1.0), (0.5, 0.5), (-0.01, None), (1.01, None), (10**400, None), (True, None),
     ("0.9", None), (None, None), (float("nan"), None), (float("inf"), None)],
)  # fmt: skip
def test_a_confidence_is_a_number_from_0_to_1(confidence: object, understood: float | None) -> None:
    attempt = attempt_from({"result": {"verifyResult": {"matchConfidence": confidence}}})

    assert attempt.match_confidence == understood
    assert attempt.match_confidence is None or isinstance(attempt.match_confidence, float)


@pytest.mark.parametrize("identical", [1, 0, "true", None, [True]], ids=repr)
def test_only_true_and_false_say_whether_it_is_the_same_person(identical: object) -> None:
    attempt = attempt_from({"result": {"verifyResult": {"isIdentical": identical}}})

    assert attempt.is_identical is None


@pytest.mark.parametrize("session_id", ["another", FACE_SESSION_ID.upper(), None, 7], ids=repr)
def test_an_answer_about_another_session_is_not_believed(session_id: object) -> None:
    with pytest.raises(FaceUnavailableError, match="another session"):
        result(said({**payloads.REAL_FACE, "sessionId": session_id}))


NONSENSE = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"<html>", id="html"),
    pytest.param(b'{"sessionId": "c0960a93', id="cut"),
    pytest.param(b"[]", id="a-list"),
    pytest.param(b"null", id="null"),
    pytest.param(b"\xff\xfe\xfd", id="not-utf-8"),
    pytest.param(b'{"sessionId":' + b"9" * 5000 + b"}", id="a-number-of-5000-digits"),
    pytest.param(b"[" * 100_000, id="deep-lists"),
    pytest.param(b'{"results":' * 50_000, id="deep-objects"),
]


@pytest.mark.parametrize("operation", ["create", "get"])
@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_is_never_an_answer(operation: str, body: bytes) -> None:
    with pytest.raises(FaceUnavailableError):
        PARSERS[operation](said(body))


@pytest.mark.parametrize("body", NONSENSE)
def test_an_error_in_nonsense_is_still_an_error(body: bytes) -> None:
    with pytest.raises(FaceRefusedError, match=r"^Face said 403$"):
        result(said(body, status=403))


# What a status comes to, whatever was asked: an error, whether Face has provably done nothing, and
# how long to wait.
UNAVAILABLE = (FaceUnavailableError, False, 7)
NOT_DONE = (FaceUnavailableError, True, 7)
REFUSED = (FaceRefusedError, False, None)
STATUSES: dict[int, tuple[object, object, object]] = {
    **dict.fromkeys([301, 307, 500, 501, 502, 504], UNAVAILABLE),
    **dict.fromkeys([429, 503], NOT_DONE),
    401: (FaceRefusedError, False, 30),
    **dict.fromkeys([400, 403, 404, 405, 409, 413, 415, 422], REFUSED),
}


def outcome(parse: Callable[[FaceResponse], object], response: FaceResponse) -> object:
    try:
        return parse(response)
    except AppError as error:
        return type(error), getattr(error, "is_retryable", False), error.retry_after_seconds


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", [error_body("Code9"), b"<html>"], ids=["json", "html"])
def test_a_status_is_one_error_of_ours(status: int, body: object) -> None:
    response = said(body, status=status, retry_after="7")

    assert {outcome(parse, response) for parse in PARSERS.values()} == {STATUSES[status]}


def test_a_refusal_names_the_status_and_the_code_that_face_gave() -> None:
    with pytest.raises(FaceRefusedError, match=r"^Face said 403 UnsupportedFeature$") as caught:
        result(said(error_body("UnsupportedFeature"), status=403))

    assert caught.value.face_status == 403


@pytest.mark.parametrize(
    ("operation", "understood"),
    [("create", FaceRefusedError), ("get", None), ("delete", None)],
)
def test_only_face_itself_can_say_that_there_is_no_such_session(
    operation: str, understood: object
) -> None:
    said_so = outcome(PARSERS[operation], said(payloads.SESSION_NOT_FOUND, status=404))

    assert (said_so[0] if isinstance(said_so, tuple) else said_so) is understood


@pytest.mark.parametrize("operation", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not Found</html>",
        error_body("404"),
        error_body("ResourceNotFound"),
        error_body("sessionnotfound"),
        {"code": "SessionNotFound"},
        {"error": "SessionNotFound"},
        {"error": {"code": ["SessionNotFound"]}},
    ],
    ids=["empty", "html", "404", "ResourceNotFound", "spelled-otherwise", "bare", "text", "a-list"],
)
def test_a_404_that_is_not_faces_own_is_a_refusal(operation: str, body: object) -> None:
    with pytest.raises(FaceRefusedError, match=r"^Face said 404"):
        PARSERS[operation](said(body, status=404))


@pytest.mark.parametrize(
    ("code", "error", "target", "face_code"),
    [
        pytest.param(
            "InvalidImageSize",
            InvalidImageSizeError,
            "verifyImage",
            None,
            id="InvalidImageSize-says-Face",
        ),
        pytest.param(
            "InvalidImage", InvalidImageError, "verifyImage", None, id="InvalidImage-says-Face"
        ),
        pytest.param(
            "InvalidDeviceCorrelationId",
            InvalidRequestError,
            None,
            "InvalidDeviceCorrelationId",
            id="InvalidRequest-says-Face",
        ),
        *[
            pytest.param(code, InvalidRequestError, None, code, id=code)
            for code in (
                "BadArgument",
                "InvalidLivenessOperationMode",
                "InvalidRequestBody",
                "InvalidTokenLifetime",
            )
        ],
    ],
)
def test_what_face_blames_on_the_caller_the_caller_learns(
    code: str, error: type[InvalidRequestError], target: str | None, face_code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        created(said(error_body(code), status=400))

    assert type(caught.value) is error
    assert (caught.value.target, caught.value.face_code) == (target, face_code)
    assert str(caught.value).endswith(face_code or "")
    assert "words" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (error_body("BadRequest"), "Face said 400 BadRequest"),
        (error_body("not a code\n"), "Face said 400"),
        (b"<html>", "Face said 400"),
        (b"", "Face said 400"),
    ],
    ids=["undocumented", "no-code", "html", "empty"],
)
def test_a_400_that_face_does_not_document_is_no_fault_of_the_caller(
    body: object, told: str
) -> None:
    with pytest.raises(FaceRefusedError) as caught:
        created(said(body, status=400))

    assert str(caught.value) == told


@pytest.mark.parametrize("operation", ["get", "delete"])
def test_what_face_finds_wrong_with_a_look_or_a_delete_no_caller_can_change(operation: str) -> None:
    with pytest.raises(FaceRefusedError, match=r"^Face said 400 InvalidRequestBody$"):
        PARSERS[operation](said(error_body("InvalidRequestBody"), status=400))


@given(
    payload=st.sampled_from(
        [payloads.CREATED_WITH_VERIFY, payloads.RIGHT_PERSON, error_body("InvalidImage")]
    ).flatmap(mutated),
    status=st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 429, 500]),
    operation=st.sampled_from(sorted(PARSERS)),
)
@settings(max_examples=300, deadline=None)
def test_whatever_face_says_is_understood_or_an_error_of_ours(
    payload: object, status: int, operation: str
) -> None:
    with suppress(AppError):
        PARSERS[operation](said(payload, status=status))


ASKED = "Fri, 20 Nov 2026 23:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        pytest.param(None, None, None, id="absent"),
        pytest.param("0", None, 0, id="at-once"),
        pytest.param("30", None, 30, id="seconds"),
        pytest.param("999999", None, 3600, id="at-most-an-hour"),
        pytest.param("9" * 5000, None, None, id="5000-digits"),
        pytest.param("-1", None, None, id="negative"),
        pytest.param("1.5", None, None, id="a-fraction"),
        pytest.param("\N{SUPERSCRIPT TWO}", None, None, id="an-odd-digit"),
        pytest.param("30\n", None, None, id="a-line-more"),
        pytest.param("Fri, 20 Nov 2026 23:00:30 GMT", ASKED, 30, id="in-half-a-minute"),
        pytest.param("Sat, 21 Nov 2026 01:00:10 +0200", ASKED, 10, id="in-another-zone"),
        pytest.param("Fri, 20 Nov 2026 23:00:00 GMT", ASKED, 1, id="now"),
        pytest.param("Fri, 20 Nov 2026 22:00:00 GMT", ASKED, 1, id="an-hour-ago"),
        pytest.param("Fri, 20 Nov 2099 23:00:00 GMT", ASKED, 3600, id="in-a-lifetime"),
        pytest.param("Fri, 20 Nov 2026 23:00:30 GMT", None, None, id="no-date-to-count-from"),
        pytest.param("Fri, 20 Nov 2026 23:00:30 GMT", "today", None, id="a-date-that-is-none"),
        pytest.param("Fri, 20 Nov 2026 23:00:30 -0000", ASKED, None, id="a-date-without-a-zone"),
        pytest.param("Fri, 40 Nov 2026 99:00:30 GMT", ASKED, None, id="no-such-day"),
        pytest.param(
            "Fri, 31 Dec 99999999999999999999 00:00:00 GMT", ASKED, None, id="absurd-year"
        ),
        pytest.param("Fri, 31 Dec 2026 00:00:00 +99999999999999999999", ASKED, None, id="zone"),
        pytest.param("Fri, 1 Dec 2026 999999999999999999999:00:00 GMT", ASKED, None, id="hour"),
        pytest.param("soon", ASKED, None, id="nonsense"),
    ],
)
def test_how_long_to_wait_is_read_from_the_header_a_date_by_the_clock_of_face(
    header: str | None, date: str | None, seconds: int | None
) -> None:
    response = FaceResponse(status=503, body=b"", retry_after=header, date=date)

    with pytest.raises(FaceUnavailableError) as caught:
        result(response)

    assert caught.value.retry_after_seconds == seconds
