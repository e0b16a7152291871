"""What the device plays when told to, and what Face makes of it. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from local.face.sessions import TRIES, Attempt, Kind, Session, Status, new_digest, new_image_id

DECISIONS = ("realface", "spoofface", "uncertain")

_SAME_PERSON = 0.93
_ANOTHER_PERSON = 0.12141934  # as recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One outcome, and whatever Face shall say of it instead of the usual; null says nothing."""

    outcome: str
    overrides: Mapping[str, object] = field(default_factory=dict)


def after_performance(session: Session, performance: Performance) -> Session:
    """Return the session as the device leaves it."""
    played = replace(
        session,
        model_version=_chosen(performance, "modelVersion", session.model_version),
    )
    if performance.outcome == "running":
        return replace(played, status=Status.RUNNING)
    if performance.outcome == "canceled":
        return replace(played, status=Status.CANCELED)
    if performance.outcome in DECISIONS:
        return _with(played, _judged(session, performance), Status.SUCCEEDED)
    attempt = _failed(session, performance.outcome.removeprefix("error:"))
    is_last = attempt.attempt_id >= TRIES
    return _with(played, attempt, Status.FAILED if is_last else Status.RUNNING)


def _with(session: Session, attempt: Attempt, status: Status) -> Session:
    return replace(session, status=status, attempts=(attempt, *session.attempts))


def _failed(session: Session, code: str) -> Attempt:
    number = len(session.attempts) + 1
    return Attempt(attempt_id=number, status=Status.FAILED, error_code=code)


def _judged(session: Session, performance: Performance) -> Attempt:
    attempt = Attempt(
        attempt_id=len(session.attempts) + 1,
        status=Status.SUCCEEDED,
        decision=performance.outcome,
        digest=new_digest(),
        session_image_id=new_image_id() if session.order.has_session_image else None,
    )
    return _compared(attempt, session, performance)


def _compared(attempt: Attempt, session: Session, performance: Performance) -> Attempt:
    order = session.order
    if order.kind is not Kind.LIVENESS_WITH_VERIFY:
        return attempt
    confidence, is_identical = _match(performance, order.confidence_threshold)
    # Without an image of ours the device brought its own, whose hash is anyone's guess.
    image_hash = (order.image_hash or new_digest()) if order.returns_image_hash else None
    return replace(
        attempt,
        match_confidence=confidence,
        is_identical=is_identical,
        verify_image_hash=_chosen(performance, "verifyImageHash", image_hash),
    )


def _match(performance: Performance, threshold: float | None) -> tuple[float | None, bool | None]:
    is_other = performance.overrides.get("isIdentical") is False
    usual = _ANOTHER_PERSON if is_other else _SAME_PERSON
    confidence = _chosen(performance, "matchConfidence", usual)
    passes = threshold is None or (confidence is not None and confidence >= threshold)
    return confidence, _chosen(performance, "isIdentical", passes)


def _chosen[T](performance: Performance, name: str, usual: T) -> T:
    # The control route has checked the types of what it was told.
    return performance.overrides.get(name, usual)  # type: ignore[return-value]
