"""Whether a stored verdict can be one of ours: who can write to the table can write anything."""

from shared.errors import UnreadableRecordError
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Kind, Outcome, Session, Status, Verdict


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
