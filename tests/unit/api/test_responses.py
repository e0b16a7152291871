import json
import logging
from collections.abc import Iterator
from typing import cast

import azure.functions as func
import pytest

from shared import composition, errors, trace
from shared.api import public
from shared.api.contract import CompleteReply, HealthReply
from shared.api.door import Audience
from shared.api.error_replies import STATUS_BY_ERROR
from shared.api.responses import Reply, answer, respond
from shared.app import App
from shared.errors import (
    AppError,
    CallerError,
    DependencyError,
    FaceOutcomeUnknownError,
    FaceUnavailableError,
)
from shared.session.session import Status
from tests.support.stage import Stage
from tests.unit.api.requests import a_context

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Expose-Headers": "Location, Retry-After, x-ms-request-id, x-ms-error-code",
    "x-ms-request-id": "invocation-1",
}
WORDS = "planted words"
TRACE_PARENT, OTHER = f"00-{'7' * 32}-{'8' * 16}-01", f"00-{'9' * 32}-{'8' * 16}-01"


REQUEST = func.HttpRequest(method="GET", url="https://app.test/api/x", body=b"")
CONTEXT = a_context()


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    app = Stage().app
    monkeypatch.setattr(composition, "app", lambda: app)
    return app


async def answered(
    outcome: Reply | Exception, audience: Audience = Audience.SERVER
) -> func.HttpResponse:
    async def endpoint(_: App, __: func.HttpRequest) -> Reply:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return await answer(endpoint, REQUEST, CONTEXT, audience)


def body_of(response: func.HttpResponse) -> dict[str, object]:
    body: dict[str, object] = json.loads(response.get_body())
    return body


def row(error: AppError, status: int, *, id: str) -> pytest.ParameterSet:  # noqa: A002
    return pytest.param(error, status, id, id=id)


CONTRACT = [
    row(errors.InvalidRequestError(WORDS), 400, id="InvalidRequest"),
    row(errors.InvalidImageSizeError(WORDS), 400, id="InvalidImageSize"),
    row(errors.InvalidImageError(WORDS), 400, id="InvalidImage"),
    row(errors.UnauthorizedError(WORDS), 401, id="Unauthorized"),
    row(errors.ForbiddenError(WORDS), 403, id="Forbidden"),
    row(errors.SessionNotFoundError(WORDS), 404, id="SessionNotFound"),
    row(errors.ImageNotFoundError(WORDS), 404, id="ImageNotFound"),
    row(errors.SessionNotFinalError(WORDS), 409, id="SessionNotFinal"),
    row(errors.CreatesPausedError(WORDS), 503, id="CreatesPaused"),
    row(errors.ResultConsumedError(WORDS), 409, id="ResultConsumed"),
    row(errors.UnreadableRecordError(WORDS), 500, id="RecordCorrupt"),
    row(errors.SessionConflictError(WORDS), 409, id="SessionConflict"),
    row(errors.PersonBeingErasedError(WORDS), 409, id="PersonBeingErased"),
    row(errors.ReceiptNotFoundError(WORDS), 404, id="ReceiptNotFound"),
    row(errors.EventsOffError(WORDS), 409, id="EventsOff"),
    row(errors.ReferenceUnusableError(WORDS), 422, id="ReferenceUnusable"),
    row(errors.IdempotencyKeyReusedError(WORDS), 422, id="IdempotencyKeyReused"),
    row(errors.ReferenceImageQualityError(WORDS), 422, id="ReferenceImageQuality"),
    row(errors.TooManySessionsError(WORDS), 429, id="TooManySessions"),
    row(errors.TooManyAttemptsError(WORDS), 429, id="TooManyAttempts"),
    row(errors.LengthRequiredError(WORDS), 411, id="LengthRequired"),
    row(errors.RequestTooLargeError(WORDS), 413, id="RequestTooLarge"),
    row(errors.UnsupportedMediaTypeError(WORDS), 415, id="UnsupportedMediaType"),
    row(errors.ConfigurationError([WORDS]), 500, id="ConfigurationError"),
    row(errors.EventsUnavailableError(WORDS), 503, id="EventsUnavailable"),
    row(errors.NotReadyError(WORDS), 503, id="NotReady"),
    row(errors.FaceRefusedError(WORDS), 502, id="FaceRefused"),
    row(errors.FaceUnavailableError(WORDS), 503, id="FaceUnavailable"),
    row(errors.KeyUnavailableError(WORDS), 503, id="KeyUnavailable"),
    row(errors.SigningKeysUnavailableError(WORDS), 503, id="KeyUnavailable"),
    row(errors.StoreUnavailableError(WORDS), 503, id="StoreUnavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), CONTRACT)
async def test_every_error_has_its_status_and_code(error: AppError, status: int, code: str) -> None:
    response = await answered(error)
    body = body_of(response)

    details = cast("dict[str, str]", body["error"])
    assert (response.status_code, details["code"]) == (status, code)
    assert response.headers["x-ms-error-code"] == code
    assert details["message"]
    is_for_the_caller = isinstance(error, CallerError) and status != 401
    assert (WORDS in details["message"]) == is_for_the_caller
    assert response.mimetype == "application/json"
    # What will not work later says nothing of it, and only a token that is missing is asked for.
    assert ("Retry-After" in response.headers) == ("retryAfterSeconds" in body) == (status == 503)
    wanted = "Bearer" if status == 401 else None
    assert response.headers.get("WWW-Authenticate") == wanted


@pytest.mark.parametrize(("error", "status", "code"), CONTRACT)
async def test_every_error_is_logged_in_its_own_words_as_loud_as_it_matters(
    error: AppError, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="face_liveness")

    assert (await answered(error)).status_code == status
    (record,) = caplog.records
    assert f'code="{code}" cause="{WORDS}"' in record.message
    loudness = {401: "DEBUG", 404: "DEBUG", 502: "WARNING", 503: "WARNING", 500: "ERROR"}
    assert record.levelname == loudness.get(status, "INFO")


@pytest.mark.parametrize(("error", "status", "code"), CONTRACT)
async def test_no_line_is_logged_of_what_anybody_may_send_to_a_frontends_route(
    error: AppError, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="face_liveness")

    assert (await answered(error, Audience.FRONTEND)).status_code == status
    is_told = status >= 500 and not isinstance(error, FaceOutcomeUnknownError)
    assert [code in line for line in caplog.messages] == [True] * is_told


async def test_a_refusal_of_faces_is_logged_with_faces_own_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = errors.FaceRefusedError(WORDS)
    error.request_id, error.client_request_id = "apim-1", "ours-1"
    caplog.set_level(logging.DEBUG, logger="face_liveness")

    await answered(error)

    (record,) = caplog.records
    assert 'faceRequestId="apim-1" clientRequestId="ours-1"' in record.message


def leaves(kind: type[AppError]) -> Iterator[type[AppError]]:
    if not kind.__subclasses__():
        yield kind
    for heir in kind.__subclasses__():
        yield from leaves(heir)


def test_no_error_that_reaches_a_caller_lacks_a_status() -> None:
    answered_ones = {type(row.values[0]) for row in CONTRACT}

    assert set(STATUS_BY_ERROR) == answered_ones
    for kind in {*leaves(CallerError), *leaves(DependencyError)}:
        assert answered_ones & set(kind.__mro__)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        pytest.param(FaceUnavailableError("", retry_after_seconds=30), 30, id="as-Face-says"),
        pytest.param(FaceUnavailableError("", retry_after_seconds=0), 5, id="never-at-once"),
        pytest.param(FaceUnavailableError(""), 5, id="Face-did-not-say"),
        pytest.param(errors.StoreUnavailableError(""), 5, id="the-store"),
        pytest.param(errors.KeyUnavailableError(""), 5, id="the-key"),
        pytest.param(
            errors.SessionConflictError("", retry_after_seconds=1), 1, id="somebody-was-first"
        ),
        pytest.param(
            errors.TooManySessionsError("", retry_after_seconds=7), 7, id="too-many-open-sessions"
        ),
        pytest.param(
            errors.TooManyAttemptsError("", retry_after_seconds=9), 9, id="too-many-attempts"
        ),
    ],
)
async def test_what_may_work_later_says_when(error: AppError, seconds: int) -> None:
    response = await answered(error)

    assert response.headers["Retry-After"] == str(seconds)
    assert body_of(response)["retryAfterSeconds"] == seconds


async def test_a_wrong_field_is_named() -> None:
    response = await answered(errors.InvalidImageError("no image", target="verifyImage"))

    assert body_of(response) == {
        "error": {"code": "InvalidImage", "message": "no image", "target": "verifyImage"}
    }


async def test_what_face_refused_is_told_with_its_code() -> None:
    response = await answered(errors.InvalidRequestError("not taken", face_code="InvalidX"))

    assert body_of(response) == {
        "error": {
            "code": "InvalidRequest",
            "message": "not taken",
            "details": [{"code": "InvalidX", "message": "Azure AI Face refused it."}],
        }
    }


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Reply(status=200, body=HealthReply(status="ok")), id="good"),
        pytest.param(Reply(status=204), id="empty"),
        pytest.param(errors.SessionNotFoundError("no such session"), id="not-found"),
        pytest.param(errors.StoreUnavailableError("down"), id="unavailable"),
        pytest.param(errors.ConfigurationError(["X is missing"]), id="misconfigured"),
    ],
)
async def test_every_answer_has_the_same_headers(outcome: Reply | Exception) -> None:
    response = await answered(outcome)

    assert HEADERS.items() <= dict(response.headers).items()


async def test_a_reply_is_written_as_json_with_its_headers() -> None:
    body = CompleteReply(session_id="é", status=Status.STARTED)
    reply = Reply(status=201, body=body, headers={"Location": "/here"})
    response = await answered(reply)

    assert (response.status_code, response.headers["Location"]) == (201, "/here")
    assert response.get_body().decode() == '{"sessionId":"é","status":"started"}'
    assert (response.mimetype, response.charset) == ("application/json", "utf-8")


async def test_a_reply_without_a_body_has_none() -> None:
    response = await answered(Reply(status=204))

    assert (response.status_code, response.get_body()) == (204, b"")


async def test_what_nobody_foresaw_is_left_to_the_platform() -> None:
    with pytest.raises(ZeroDivisionError):
        await answered(ZeroDivisionError())


async def test_an_endpoint_is_given_the_app_and_the_request(app: App) -> None:
    given: list[object] = []

    async def endpoint(*arguments: object) -> Reply:
        given.extend(arguments)
        return Reply(status=204)

    await answer(endpoint, REQUEST, CONTEXT, Audience.FRONTEND)
    assert given == [app, REQUEST]


async def test_without_settings_an_endpoint_is_a_ConfigurationError_and_health_is_ok(  # noqa: N802
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def app() -> App:
        raise errors.ConfigurationError(["FACE_ENDPOINT is missing"])

    monkeypatch.setattr(composition, "app", app)
    response = await answered(Reply(status=204))
    health = respond(public.get_health(), CONTEXT)

    assert (response.status_code, response.headers["x-ms-error-code"]) == (
        500,
        "ConfigurationError",
    )
    assert (health.status_code, body_of(health)) == (200, {"status": "ok"})
    assert HEADERS.items() <= dict(health.headers).items()


async def test_when_to_come_back_is_said_in_the_body_and_in_the_header() -> None:
    body = CompleteReply(session_id="s", status=Status.PROCESSING, retry_after_seconds=7)
    response = await answered(Reply(status=202, body=body))

    assert response.headers["Retry-After"] == "7"
    assert body_of(response)["retryAfterSeconds"] == 7


@pytest.mark.parametrize(
    ("of_platform", "of_caller", "followed"),
    [(TRACE_PARENT, OTHER, TRACE_PARENT), ("", OTHER, OTHER), ("", "nonsense", None)],
)
async def test_the_platforms_trace_is_followed_or_the_callers_where_it_has_none(
    of_platform: str, of_caller: str, followed: str | None
) -> None:
    traces: list[str | None] = []

    async def endpoint(_: App, __: func.HttpRequest) -> Reply:
        traces.append(trace.find_trace_parent())
        return Reply(status=204)

    headers = {"traceparent": of_caller}
    request = func.HttpRequest(method="GET", url=REQUEST.url, headers=headers, body=b"")
    await answer(endpoint, request, a_context(trace_parent=of_platform), Audience.FRONTEND)

    assert traces == [followed]
