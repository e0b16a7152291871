"""What the device plays when told to, and what Face makes of it. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from local.face.sessions import (
    TRIES,
    Attempt,
    Kind,
    Picture,
    Session,
    Status,
    new_digest,
    new_image_id,
)

DECISIONS = ("realface", "spoofface", "uncertain")

_SAME_PERSON = 0.93
_ANOTHER_PERSON = 0.12141934  # as recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAttempt:
    """What the device is told to play; an override of null leaves that field of Face's unsaid."""

    outcome: str
    # Whether the session stays open for a further attempt after this one.
    goes_on: bool = False
    overrides: Mapping[str, object] = field(default_factory=dict)


def after_attempt(session: Session, script: ScriptedAttempt) -> Session:
    """Return the session as the device leaves it."""
    played = replace(
        session,
        model_version=_override(script, "modelVersion", session.model_version),
    )
    if script.outcome == "running":
        return replace(played, status=Status.RUNNING)
    if script.outcome == "canceled":
        return replace(played, status=Status.CANCELED)
    if script.outcome in DECISIONS:
        attempt, is_last, end = _decided_attempt(session, script), True, Status.SUCCEEDED
    else:
        attempt = _failed_attempt(session, script.outcome.removeprefix("error:"))
        is_last, end = attempt.attempt_id >= TRIES, Status.FAILED
    status = end if is_last and not script.goes_on else Status.RUNNING
    return _with_attempt(played, attempt, status)


def _with_attempt(session: Session, attempt: Attempt, status: Status) -> Session:
    return replace(session, status=status, attempts=(attempt, *session.attempts))


def _failed_attempt(session: Session, code: str) -> Attempt:
    number = len(session.attempts) + 1
    return Attempt(attempt_id=number, status=Status.FAILED, error_code=code)


def _decided_attempt(session: Session, script: ScriptedAttempt) -> Attempt:
    picture = _override(script, "sessionImage", "normal")
    has_picture = session.request.has_session_image and picture is not None
    attempt = Attempt(
        attempt_id=len(session.attempts) + 1,
        status=Status.SUCCEEDED,
        decision=script.outcome,
        digest=new_digest(),
        session_image_id=new_image_id() if has_picture else None,
        picture=Picture(picture or "normal"),
    )
    return _with_verify_result(attempt, session, script)


def _with_verify_result(attempt: Attempt, session: Session, script: ScriptedAttempt) -> Attempt:
    request = session.request
    if request.kind is not Kind.LIVENESS_WITH_VERIFY:
        return attempt
    confidence, is_identical = _match(script, request.confidence_threshold)
    # Without an image of ours the device brought its own, whose hash is anyone's guess.
    image_hash = (request.image_hash or new_digest()) if request.returns_image_hash else None
    return replace(
        attempt,
        match_confidence=confidence,
        is_identical=is_identical,
        verify_image_hash=_override(script, "verifyImageHash", image_hash),
    )


def _match(script: ScriptedAttempt, threshold: float | None) -> tuple[float | None, bool | None]:
    is_other = script.overrides.get("isIdentical") is False
    usual = _ANOTHER_PERSON if is_other else _SAME_PERSON
    confidence = _override(script, "matchConfidence", usual)
    passes = threshold is None or (confidence is not None and confidence >= threshold)
    return confidence, _override(script, "isIdentical", passes)


def _override[T](script: ScriptedAttempt, name: str, usual: T) -> T:
    # The control route has checked the types of what it was told.
    return script.overrides.get(name, usual)  # type: ignore[return-value]
