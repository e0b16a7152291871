"""Whether how a session ended may be told: it has, and its verdict can be one of ours.

Who can write to the table can write anything.
"""

from datetime import datetime

from shared.errors import SessionNotFinalError, UnreadableRecordError
from shared.session import looks
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Kind, Outcome, Session, Status, Verdict

_USUAL_WAIT_SECONDS = 5


def check_final(session: Session, now: datetime) -> None:
    """Refuse what has not ended: SessionNotFinal, which says when to ask again."""
    if not session.is_final:
        # Without a look to come nobody knows when; callers are then told the usual wait.
        wait = looks.seconds_until(session.look_at, now) or _USUAL_WAIT_SECONDS
        raise SessionNotFinalError("the session has not ended", retry_after_seconds=wait)


def check_verdict(session: Session) -> None:
    """Refuse to have the verdict told, by whatever way: UnreadableRecord where it is forged."""
    if not is_plausible(session):
        raise UnreadableRecordError("a record says passed that no check can have passed")


def is_plausible(session: Session) -> bool:
    """Tell whether a session can have come by its verdict; only a pass is worth forging."""
    verdict = session.verdict
    if (session.status is Status.COMPLETED) != (verdict is not None):
        return False
    if verdict is None or verdict.outcome is not Outcome.PASSED:
        return True
    return _may_pass(verdict) and (
        session.kind is Kind.LIVENESS
        or _is_verified(verdict, by_client=session.reference_source is ReferenceSource.CLIENT)
    )


def _may_pass(verdict: Verdict) -> bool:
    return (
        verdict.liveness_decision == "realface"
        and not verdict.reasons
        and verdict.digest is not Comparison.MISMATCHED
        and all(attempt.liveness_decision != "spoofface" for attempt in verdict.attempts)
    )


def _is_verified(verdict: Verdict, *, by_client: bool) -> bool:
    # A deployment may only note whether Face has verified against its own image, but not against
    # one that a device brought.
    is_image_right = not by_client or verdict.verify_image_hash is Comparison.MATCHED
    return verdict.is_identical is True and verdict.match_confidence is not None and is_image_right
