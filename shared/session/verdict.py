"""From Face's answer to an outcome with reasons. Nothing else decides."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from shared.session.attempts import record_attempts
from shared.session.face_answer import Attempt, FaceAnswer, FaceStatus, Quality, is_good_enough
from shared.session.reference import ReferenceSource
from shared.session.session import (
    Comparison,
    Kind,
    Outcome,
    Reason,
    Session,
    Verdict,
)

_FINAL = {FaceStatus.SUCCEEDED, FaceStatus.FAILED, FaceStatus.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How strict this deployment is, on top of what Face says."""

    digest_required: bool = False
    confidence_floor: float = 0.0
    image_hash_required: bool = True
    min_reference_quality: Quality = Quality.LOW


def is_finished(answer: FaceAnswer) -> bool:
    """Tell whether Face has said its last word on the check."""
    return answer.status in _FINAL or any(one.has_result for one in answer.attempts)


def last_attempt(answer: FaceAnswer) -> Attempt | None:
    """Return the attempt with the greatest id, whatever the order; None if that cannot be told."""
    numbers = {attempt.attempt_id for attempt in answer.attempts}
    if not numbers or None in numbers or len(numbers) != len(answer.attempts):
        return None
    return max(answer.attempts, key=lambda attempt: attempt.attempt_id or 0)


def ends_in_error(answer: FaceAnswer) -> bool:
    """Tell whether the last try that there was ended without a result."""
    last = last_attempt(answer)
    if last is None:
        return bool(answer.attempts)
    return last.has_error or last.status in {FaceStatus.FAILED, FaceStatus.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """Everything that the judgment rests on."""

    answer: FaceAnswer
    last: Attempt | None
    with_verify: bool
    digest: Comparison
    image_hash: Comparison
    policy: Policy
    source: ReferenceSource | None

    @property
    def image_hash_required(self) -> bool:
        # Of an image that the device brings nothing but its hash is known.
        return self.policy.image_hash_required or self.source is ReferenceSource.CLIENT


def judge(answer: FaceAnswer, session: Session, policy: Policy) -> Verdict:
    """Weigh everything known about a finished check; the gravest finding decides."""
    last = last_attempt(answer)
    attempt = last or Attempt(attempt_id=None)
    case = _Evidence(
        answer=answer,
        last=last,
        with_verify=session.kind is Kind.LIVENESS_WITH_VERIFY,
        digest=_digest(attempt, session),
        image_hash=_compare(session.verify_image_sha256, attempt.verify_image_hash),
        policy=policy,
        source=session.reference_source,
    )
    outcome, reasons = _outcome(case)
    return Verdict(
        outcome=outcome,
        reasons=reasons,
        liveness_decision=attempt.liveness_decision,
        attempt_id=attempt.attempt_id,
        attempt_count=len(answer.attempts),
        error_code=attempt.error_code,
        is_identical=attempt.is_identical,
        match_confidence=attempt.match_confidence,
        verify_image_hash=case.image_hash,
        digest=case.digest,
        model_version=answer.model_version,
        attempts=record_attempts(answer.attempts),
    )


def _outcome(case: _Evidence) -> tuple[Outcome, tuple[Reason, ...]]:
    if reasons := tuple(_tampering(case)):
        return Outcome.UNTRUSTED, reasons
    if reasons := tuple(_rejections(case)):
        return Outcome.REJECTED, reasons
    if reasons := tuple(_inconclusive_reasons(case)):
        return Outcome.INCONCLUSIVE, reasons
    return Outcome.PASSED, ()


def _tampering(case: _Evidence) -> Iterator[Reason]:
    if case.digest is Comparison.MISMATCHED:
        yield Reason.DIGEST_MISMATCH
    if case.image_hash_required and case.image_hash is Comparison.MISMATCHED:
        yield Reason.IMAGE_HASH_MISMATCH


def _rejections(case: _Evidence) -> Iterator[Reason]:
    # A spoof is not made good by the real face that may come after it.
    if any(one.liveness_decision == "spoofface" for one in case.answer.attempts):
        yield Reason.SPOOF
    if case.last is None or not case.with_verify:
        return
    confidence = case.last.match_confidence
    if case.last.is_identical is False:
        yield Reason.DIFFERENT_PERSON
    elif confidence is not None and confidence < case.policy.confidence_floor:
        yield Reason.BELOW_CONFIDENCE_FLOOR


def _inconclusive_reasons(case: _Evidence) -> Iterator[Reason]:
    if case.last is None and case.answer.attempts:
        yield Reason.UNKNOWN_DECISION
    elif case.last is None or not case.last.has_result:
        yield _why_no_result(case.answer, case.last)
    else:
        yield from _attempt_issues(case.last)
        if case.policy.digest_required and case.digest is Comparison.NOT_PROVIDED:
            yield Reason.DIGEST_MISSING
        if case.with_verify:
            yield from _missing_verify_data(case, case.last)


def _why_no_result(answer: FaceAnswer, last: Attempt | None) -> Reason:
    if last is not None and (last.has_error or last.status is FaceStatus.FAILED):
        return Reason.ATTEMPT_ERROR
    if FaceStatus.CANCELED in {answer.status, last and last.status}:
        return Reason.CANCELED
    return Reason.NO_FINISHED_ATTEMPT


def _attempt_issues(attempt: Attempt) -> Iterator[Reason]:
    if attempt.has_error or attempt.status is FaceStatus.FAILED:
        yield Reason.ATTEMPT_ERROR
    elif attempt.status is FaceStatus.CANCELED:
        yield Reason.CANCELED
    elif attempt.status is not FaceStatus.SUCCEEDED:
        yield Reason.NO_FINISHED_ATTEMPT
    if attempt.liveness_decision == "uncertain":
        yield Reason.UNCERTAIN
    elif attempt.liveness_decision != "realface":
        yield Reason.UNKNOWN_DECISION


def _missing_verify_data(case: _Evidence, last: Attempt) -> Iterator[Reason]:
    if last.is_identical is None or last.match_confidence is None:
        yield Reason.VERIFY_MISSING
    if case.image_hash_required and case.image_hash is Comparison.NOT_PROVIDED:
        yield Reason.IMAGE_HASH_MISSING
    # Of any other image the create has seen the quality.
    if case.source is ReferenceSource.CLIENT and not is_good_enough(
        case.answer.reference_image, case.policy.min_reference_quality
    ):
        yield Reason.REFERENCE_QUALITY


def _digest(attempt: Attempt, session: Session) -> Comparison:
    if session.report.digests_differ:
        return Comparison.MISMATCHED
    if session.report.digest is None or not attempt.has_result:
        return Comparison.NOT_PROVIDED
    # A result without a digest cannot confirm the one that was reported.
    return _compare(session.report.digest, attempt.digest or "none")


def _compare(ours: str | None, from_face: str | None) -> Comparison:
    if ours is None or from_face is None:
        return Comparison.NOT_PROVIDED
    same = hmac.compare_digest(ours.lower().encode(), from_face.lower().encode())
    return Comparison.MATCHED if same else Comparison.MISMATCHED
