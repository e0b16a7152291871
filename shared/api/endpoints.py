"""Per route: read the request, run the flow, shape the reply, field by field."""

from collections.abc import Callable
from datetime import datetime
from math import ceil

import azure.functions as func

from shared import composition
from shared.api import completion_body, create_body
from shared.api.responses import Endpoint, Reply, retry_later
from shared.errors import LengthRequiredError, RequestTooLargeError, UnreadableMessageError
from shared.flow.start import Started
from shared.secret import Secret
from shared.session import idempotency
from shared.session.face_answer import ReferenceImage
from shared.session.ids import is_session_id
from shared.session.session import Kind, Session, Status, Verdict
from shared.session.timestamps import rfc3339

# The same number as host.json's maxDequeueCount.
MAX_DEQUEUE_COUNT = 12


async def start_session(req: func.HttpRequest) -> Reply:
    """Open a session and hand out its two tokens, this once."""
    app = composition.app()
    request = create_body.parse(
        req.headers.get("Content-Type", ""),
        _body(req),
        max_token_seconds=app.settings.max_token_seconds,
    )
    key = idempotency.check(req.headers.get("Idempotency-Key"))
    started = await app.start.start(request, key)
    return Reply(
        status=201,
        body=_started(started),
        headers={"Location": _location(req.url, started.session.session_id)},
    )


async def get_session(req: func.HttpRequest) -> Reply:
    """Tell a frontend where its session is, and never how it ended."""
    session = await composition.app().flow.load(*_credentials(req))
    body = {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        **_expiry(session),
    }
    if session.status is Status.PROCESSING:
        return retry_later(200, body)
    return Reply(status=200, body=body)


def complete_session(remind: Callable[[str], None]) -> Endpoint:
    """Make the endpoint that takes a frontend's word that its check is over."""

    async def complete(req: func.HttpRequest) -> Reply:
        report = completion_body.parse(req.headers.get("Content-Type", ""), _body(req))
        session = await composition.app().flow.complete(*_credentials(req), report, remind)
        body = {"sessionId": session.session_id, "status": session.status}
        if session.status is Status.PROCESSING:
            return retry_later(202, body)
        return Reply(status=200, body=body)

    return complete


async def cancel_session(req: func.HttpRequest) -> Reply:
    """Give a session up."""
    await composition.app().flow.cancel(*_credentials(req))
    return Reply(status=204)


async def get_result(req: func.HttpRequest) -> Reply:
    """Tell a server how a session ended."""
    session = await composition.app().flow.load_result(req.route_params.get("session_id", ""))
    return Reply(status=200, body=_result(session))


async def get_health(_req: func.HttpRequest) -> Reply:
    """Say that the app runs, without touching anything."""
    return Reply(status=200, body={"status": "ok"})


async def record_result(message: func.QueueMessage) -> None:
    """Look again at the session that a message names; raising makes the platform repeat it."""
    session_id = message.get_body().decode("ascii", "replace")
    if not is_session_id(session_id):
        raise UnreadableMessageError("the message names no session")
    last_try = (message.dequeue_count or 0) >= MAX_DEQUEUE_COUNT
    await composition.app().flow.settle(session_id, last_try=last_try)


def _body(req: func.HttpRequest) -> bytes:
    # The platform binds no body that has no length: https://github.com/Azure/azure-functions-host/issues/4926
    if "chunked" in req.headers.get("Transfer-Encoding", "").lower():
        raise LengthRequiredError("send the body with a Content-Length, not in chunks")
    body = req.get_body()
    if len(body) > create_body.MAX_BYTES:
        raise RequestTooLargeError("a body may have 8 MiB at most")
    return body


def _credentials(req: func.HttpRequest) -> tuple[str, Secret]:
    return req.route_params.get("session_id", ""), Secret(req.headers.get("X-Session-Token", ""))


def _location(url: str, session_id: str) -> str:
    return f"{url.partition('?')[0].rstrip('/')}/{session_id}"


def _expiry(session: Session) -> dict[str, object]:
    left = (session.expires_at - composition.now()).total_seconds()
    return {"expiresAt": rfc3339(session.expires_at), "expiresInSeconds": max(0, ceil(left))}


def _started(started: Started) -> dict[str, object]:
    session = started.session
    body: dict[str, object] = {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        "authToken": started.auth_token.reveal(),
        "sessionToken": started.session_token.reveal(),
        **_expiry(session),
    }
    if session.kind is Kind.LIVENESS_WITH_VERIFY:
        body["referenceImage"] = _reference_image(started.reference_image)
    return body


def _reference_image(image: ReferenceImage | None) -> dict[str, object]:
    return {
        "qualityForRecognition": image and image.quality,
        "faceRectangle": image and image.face_rectangle,
    }


def _result(session: Session) -> dict[str, object]:
    verdict, report = session.verdict, session.report
    return {
        "sessionId": session.session_id,
        "kind": session.kind,
        "status": session.status,
        "outcome": verdict and verdict.outcome,
        "reasons": list(verdict.reasons) if verdict else [],
        "livenessDecision": verdict and verdict.liveness_decision,
        "attempt": _attempt(verdict),
        "verify": _verify(session.kind, verdict),
        "digest": verdict and verdict.digest,
        "reported": {
            "resultId": report.result_id,
            "livenessError": report.liveness_error,
            "recognitionError": report.recognition_error,
        },
        "modelVersion": verdict and verdict.model_version,
        "deviceCorrelationId": session.device_correlation_id,
        "userCorrelationId": session.user_correlation_id,
        "createdAt": rfc3339(session.created_at),
        "endedAt": _time(session.ended_at),
    }


def _attempt(verdict: Verdict | None) -> dict[str, object]:
    return {
        "attemptId": verdict and verdict.attempt_id,
        "attemptCount": verdict and verdict.attempt_count,
        "errorCode": verdict and verdict.error_code,
    }


def _verify(kind: Kind, verdict: Verdict | None) -> dict[str, object] | None:
    if kind is not Kind.LIVENESS_WITH_VERIFY:
        return None
    return {
        "isIdentical": verdict and verdict.is_identical,
        "matchConfidence": verdict and verdict.match_confidence,
        "verifyImageHash": verdict and verdict.verify_image_hash,
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
