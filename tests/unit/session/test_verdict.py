import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import FaceUnavailableError
from shared.face import answers
from shared.face.answers import FaceResponse
from shared.session.attempts import record_attempts
from shared.session.face_answer import Attempt, FaceAnswer, FaceStatus, Quality, ReferenceImage
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Kind, Outcome, Report, Session, Verdict
from shared.session.verdict import Policy, ends_in_error, is_finished, judge
from tests.support import payloads
from tests.support.builders import (
    DIGEST,
    FACE_SESSION_ID,
    IMAGE_HASH,
    OTHER_DIGEST,
    a_failed_attempt,
    a_passing_answer,
    a_running_answer,
    a_session,
    a_verify_session,
    an_answer,
    an_attempt,
)
from tests.support.mutations import mutated
from tests.support.payloads import Payload

BLANK = Attempt(attempt_id=1)
STRICT = Policy(digest_required=True, confidence_floor=0.8)


@pytest.mark.parametrize("session", [a_session(), a_verify_session()], ids=lambda one: one.kind)
def test_a_real_face_that_is_the_right_person_passes(session: Session) -> None:
    verdict = judge(a_passing_answer(), session, Policy())

    assert verdict == Verdict(
        outcome=Outcome.PASSED,
        liveness_decision="realface",
        attempt_id=1,
        attempt_count=1,
        is_identical=True,
        match_confidence=0.91,
        verify_image_hash=(
            Comparison.MATCHED
            if session.kind is Kind.LIVENESS_WITH_VERIFY
            else Comparison.NOT_PROVIDED
        ),
        model_version="2024-11-15",
        attempts=record_attempts([an_attempt()]),
    )


@pytest.mark.parametrize(
    ("answer", "report", "reasons"),
    [
        pytest.param(
            an_answer(an_attempt()),
            Report(digest=OTHER_DIGEST),
            ("DigestMismatch",),
            id="DigestMismatch",
        ),
        pytest.param(
            an_answer(an_attempt()),
            Report(digest=DIGEST, digests_differ=True),
            ("DigestMismatch",),
            id="DigestMismatch-as-two-different-digests-were-reported",
        ),
        pytest.param(
            an_answer(an_attempt(digest=None)),
            Report(digest=DIGEST),
            ("DigestMismatch",),
            id="DigestMismatch-as-Face-has-none-to-confirm-it",
        ),
        pytest.param(
            an_answer(an_attempt(verify_image_hash=OTHER_DIGEST)),
            Report(),
            ("ImageHashMismatch",),
            id="ImageHashMismatch",
        ),
        pytest.param(
            an_answer(an_attempt(verify_image_hash="no hash", liveness_decision="spoofface")),
            Report(digest=OTHER_DIGEST),
            ("DigestMismatch", "ImageHashMismatch"),
            id="both-mismatches-outweigh-a-spoof",
        ),
        pytest.param(
            an_answer(status=FaceStatus.CANCELED),
            Report(digests_differ=True),
            ("DigestMismatch",),
            id="two-digests-outweigh-having-no-attempt",
        ),
    ],
)
def test_tampering_makes_a_check_untrusted(
    answer: FaceAnswer, report: Report, reasons: tuple[str, ...]
) -> None:
    verdict = judge(answer, a_verify_session(report=report), STRICT)

    assert (verdict.outcome, verdict.reasons) == (Outcome.UNTRUSTED, reasons)


@pytest.mark.parametrize(
    ("attempt", "reasons"),
    [
        pytest.param(an_attempt(liveness_decision="spoofface"), ("Spoof",), id="Spoof"),
        pytest.param(an_attempt(is_identical=False), ("DifferentPerson",), id="DifferentPerson"),
        pytest.param(
            an_attempt(match_confidence=0.79), ("BelowConfidenceFloor",), id="BelowConfidenceFloor"
        ),
        pytest.param(
            an_attempt(liveness_decision="spoofface", is_identical=False, match_confidence=0.1),
            ("Spoof", "DifferentPerson"),
            id="a-spoof-of-a-different-person",
        ),
        pytest.param(
            an_attempt(liveness_decision="uncertain", is_identical=False),
            ("DifferentPerson",),
            id="a-different-person-outweighs-uncertainty",
        ),
        pytest.param(
            an_attempt(liveness_decision="spoofface", status=FaceStatus.FAILED, has_error=True),
            ("Spoof",),
            id="a-spoof-outweighs-an-error",
        ),
    ],
)
def test_a_check_that_shows_the_wrong_face_is_rejected(
    attempt: Attempt, reasons: tuple[str, ...]
) -> None:
    verdict = judge(an_answer(attempt), a_verify_session(report=Report(digest=DIGEST)), STRICT)

    assert (verdict.outcome, verdict.reasons) == (Outcome.REJECTED, reasons)


def because(*answers: FaceAnswer, id: str) -> pytest.ParameterSet:  # noqa: A002
    return pytest.param(answers, id, id=id)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        because(an_answer(an_attempt(liveness_decision="uncertain")), id="Uncertain"),
        because(
            an_answer(an_attempt(liveness_decision=None)),
            an_answer(an_attempt(liveness_decision="RealFace")),
            # Which of them is the last?
            an_answer(an_attempt(), an_attempt()),
            an_answer(an_attempt(), an_attempt(attempt_id=None)),
            id="UnknownDecision",
        ),
        because(
            an_answer(),
            an_answer(Attempt(attempt_id=1, status=FaceStatus.RUNNING)),
            an_answer(an_attempt(status=FaceStatus.RUNNING)),
            an_answer(an_attempt(status=None)),
            id="NoFinishedAttempt",
        ),
        because(
            an_answer(a_failed_attempt()),
            an_answer(Attempt(attempt_id=1, status=FaceStatus.FAILED)),
            an_answer(Attempt(attempt_id=1, has_error=True)),
            an_answer(an_attempt(has_error=True)),
            an_answer(an_attempt(status=FaceStatus.FAILED)),
            id="AttemptError",
        ),
        because(
            an_answer(status=FaceStatus.CANCELED),
            an_answer(Attempt(attempt_id=1, status=FaceStatus.CANCELED)),
            an_answer(an_attempt(status=FaceStatus.CANCELED)),
            id="Canceled",
        ),
        because(
            an_answer(an_attempt(is_identical=None)),
            an_answer(an_attempt(match_confidence=None)),
            id="VerifyMissing",
        ),
        because(an_answer(an_attempt(verify_image_hash=None)), id="ImageHashMissing"),
    ],
)
def test_a_check_that_shows_nothing_for_sure_is_inconclusive(
    answers: tuple[FaceAnswer, ...], reason: str
) -> None:
    for answer in answers:
        verdict = judge(answer, a_verify_session(), Policy())

        assert (verdict.outcome, verdict.reasons) == (Outcome.INCONCLUSIVE, (reason,))


def test_a_failed_attempt_keeps_its_error_code() -> None:
    verdict = judge(an_answer(a_failed_attempt(attempt_id=3)), a_session(), Policy())

    assert (verdict.attempt_id, verdict.error_code) == (3, "FaceWithMaskDetected")


@pytest.mark.parametrize(
    ("policy", "outcome", "reasons"),
    [
        pytest.param(
            Policy(digest_required=True),
            Outcome.INCONCLUSIVE,
            ("DigestMissing",),
            id="required-DigestMissing",
        ),
        pytest.param(Policy(digest_required=False), Outcome.PASSED, (), id="optional-passed"),
    ],
)
def test_the_digest_policy_decides_on_a_check_without_a_digest(
    policy: Policy, outcome: Outcome, reasons: tuple[str, ...]
) -> None:
    verdict = judge(a_passing_answer(), a_session(), policy)

    assert (verdict.outcome, verdict.reasons) == (outcome, reasons)
    assert verdict.digest is Comparison.NOT_PROVIDED


@pytest.mark.parametrize("policy", [Policy(digest_required=True), Policy()], ids=str)
def test_digests_match_whatever_the_case_of_their_letters(policy: Policy) -> None:
    session = a_session(report=Report(digest=DIGEST.lower()))
    verdict = judge(an_answer(an_attempt(digest=DIGEST.upper())), session, policy)

    assert (verdict.outcome, verdict.digest) == (Outcome.PASSED, Comparison.MATCHED)


@pytest.mark.parametrize(
    ("hash_at_face", "comparison"),
    [(OTHER_DIGEST, Comparison.MISMATCHED), (None, Comparison.NOT_PROVIDED)],
    ids=["mismatched", "missing"],
)
def test_an_image_hash_that_is_only_recorded_does_not_decide(
    hash_at_face: str | None, comparison: Comparison
) -> None:
    answer = an_answer(an_attempt(verify_image_hash=hash_at_face))
    verdict = judge(answer, a_verify_session(), Policy(image_hash_required=False))

    assert (verdict.outcome, verdict.verify_image_hash) == (Outcome.PASSED, comparison)


BROUGHT_BY_DEVICE = a_verify_session(reference_source=ReferenceSource.CLIENT)


@pytest.mark.parametrize(
    ("hash_at_face", "quality", "outcome", "reasons"),
    [
        pytest.param(IMAGE_HASH.upper(), Quality.MEDIUM, "passed", (), id="as-agreed"),
        pytest.param(OTHER_DIGEST, Quality.HIGH, "untrusted", ("ImageHashMismatch",), id="another"),
        pytest.param(None, Quality.HIGH, "inconclusive", ("ImageHashMissing",), id="none-told"),
        pytest.param(
            IMAGE_HASH, Quality.LOW, "inconclusive", ("ReferenceQuality",), id="ReferenceQuality"
        ),
        pytest.param(
            IMAGE_HASH, None, "inconclusive", ("ReferenceQuality",), id="ReferenceQuality-untold"
        ),
    ],
)
def test_an_image_that_the_device_brings_is_bound_by_its_hash_and_must_be_good_enough(
    hash_at_face: str | None, quality: Quality | None, outcome: str, reasons: tuple[str, ...]
) -> None:
    answer = replace(
        an_answer(an_attempt(verify_image_hash=hash_at_face)),
        reference_image=ReferenceImage(quality=quality, face_rectangle=None),
    )
    policy = Policy(image_hash_required=False, min_reference_quality=Quality.MEDIUM)

    verdict = judge(answer, BROUGHT_BY_DEVICE, policy)

    assert (verdict.outcome, verdict.reasons) == (outcome, reasons)


def test_an_image_that_a_server_sent_was_good_enough_at_its_create() -> None:
    answer = replace(an_answer(an_attempt()), reference_image=None)

    verdict = judge(answer, a_verify_session(), Policy(min_reference_quality=Quality.HIGH))

    assert verdict.outcome is Outcome.PASSED


def test_a_digest_of_an_attempt_without_a_result_is_compared_with_nothing() -> None:
    session = a_session(report=Report(digest=DIGEST))

    verdict = judge(an_answer(a_failed_attempt()), session, Policy())

    assert (verdict.outcome, verdict.digest) == (Outcome.INCONCLUSIVE, Comparison.NOT_PROVIDED)


def test_a_confidence_at_the_floor_is_enough() -> None:
    answer = an_answer(an_attempt(match_confidence=0.8))

    assert judge(answer, a_verify_session(), Policy(confidence_floor=0.8)).outcome == "passed"


def test_without_verify_nobody_asks_who_it_is() -> None:
    answer = an_answer(
        an_attempt(is_identical=False, match_confidence=0.0, verify_image_hash="another")
    )

    assert judge(answer, a_session(), STRICT).reasons == ("DigestMissing",)


def test_the_last_attempt_counts_and_not_the_first_in_the_list() -> None:
    newest_first = an_answer(an_attempt(attempt_id=2), a_failed_attempt(attempt_id=1))
    passed_then_failed = an_answer(an_attempt(attempt_id=1), a_failed_attempt(attempt_id=2))
    passed_then_running = an_answer(an_attempt(), Attempt(attempt_id=2, status=FaceStatus.RUNNING))

    assert judge(newest_first, a_session(), Policy()).outcome is Outcome.PASSED
    assert judge(passed_then_failed, a_session(), Policy()).reasons == ("AttemptError",)
    assert judge(passed_then_running, a_session(), Policy()).reasons == ("NoFinishedAttempt",)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((an_attempt(attempt_id=2),), id="a-real-face-follows"),
        pytest.param((an_attempt(attempt_id=0),), id="a-real-face-before"),
        pytest.param((a_failed_attempt(attempt_id=2),), id="an-error-follows"),
        pytest.param((an_attempt(attempt_id=1),), id="two-attempts-have-one-id"),
    ],
)
def test_a_spoof_in_any_attempt_rejects(others: tuple[Attempt, ...]) -> None:
    answer = an_answer(an_attempt(liveness_decision="spoofface"), *others)

    verdict = judge(answer, a_session(), STRICT)

    assert (verdict.outcome, verdict.reasons) == (Outcome.REJECTED, ("Spoof",))


@pytest.mark.parametrize(
    ("answer", "finished"),
    [
        pytest.param(an_answer(status=FaceStatus.SUCCEEDED), True, id="session-Succeeded"),
        pytest.param(an_answer(status=FaceStatus.FAILED), True, id="session-Failed"),
        pytest.param(an_answer(status=FaceStatus.CANCELED), True, id="session-Canceled"),
        pytest.param(
            an_answer(an_attempt(), status=FaceStatus.RUNNING), True, id="a-result-is-there"
        ),
        pytest.param(an_answer(an_attempt(), status=None), True, id="a-result-without-a-status"),
        pytest.param(a_running_answer(), False, id="session-Running"),
        pytest.param(an_answer(status=FaceStatus.NOT_STARTED), False, id="session-NotStarted"),
        pytest.param(an_answer(status=None), False, id="no-status"),
        pytest.param(
            an_answer(a_failed_attempt(), status=FaceStatus.RUNNING), False, id="may-try-again"
        ),
        pytest.param(
            an_answer(an_attempt(), a_failed_attempt(attempt_id=2), status=FaceStatus.RUNNING),
            True,
            id="a-result-that-is-not-the-last-attempts",
        ),
    ],
)
def test_a_check_is_finished_once_face_has_said_its_last_word(
    answer: FaceAnswer, *, finished: bool
) -> None:
    assert is_finished(answer) is finished


@pytest.mark.parametrize(
    ("answer", "in_error"),
    [
        pytest.param(a_running_answer(), False, id="no-attempt"),
        pytest.param(
            an_answer(Attempt(attempt_id=1, status=FaceStatus.RUNNING)), False, id="running"
        ),
        pytest.param(an_answer(a_failed_attempt()), True, id="failed"),
        pytest.param(an_answer(Attempt(attempt_id=1, has_error=True)), True, id="error-alone"),
        pytest.param(
            an_answer(Attempt(attempt_id=1, status=FaceStatus.FAILED)), True, id="status-alone"
        ),
        pytest.param(
            an_answer(Attempt(attempt_id=1, status=FaceStatus.CANCELED)), True, id="canceled"
        ),
        pytest.param(an_answer(BLANK, BLANK), True, id="attempts-that-cannot-be-told-apart"),
        pytest.param(
            an_answer(a_failed_attempt(), Attempt(attempt_id=2, status=FaceStatus.RUNNING)),
            False,
            id="trying-again",
        ),
    ],
)
def test_an_attempt_that_failed_is_told_from_one_that_never_was(
    answer: FaceAnswer, *, in_error: bool
) -> None:
    assert ends_in_error(answer) is in_error


ATTEMPTS = st.builds(
    Attempt,
    attempt_id=st.integers(0, 4) | st.none(),
    status=st.none() | st.sampled_from(FaceStatus),
    has_result=st.booleans(),
    liveness_decision=st.sampled_from(["realface", "spoofface", "uncertain", None]),
    digest=st.sampled_from([DIGEST, OTHER_DIGEST, None]),
    verify_image_hash=st.sampled_from([IMAGE_HASH, OTHER_DIGEST, None]),
    is_identical=st.sampled_from([True, False, None]),
    match_confidence=st.sampled_from([0.0, 0.5, 0.9, None]),
    has_error=st.booleans(),
)


@given(
    attempts=st.lists(ATTEMPTS, max_size=4),
    status=st.sampled_from([FaceStatus.SUCCEEDED, FaceStatus.RUNNING]),
)
@settings(max_examples=100, deadline=None)
def test_the_order_of_attempts_changes_nothing(attempts: list[Attempt], status: FaceStatus) -> None:
    answers = [an_answer(*order, status=status) for order in itertools.permutations(attempts)]

    verdicts = [judge(answer, a_verify_session(), STRICT) for answer in answers]
    assert verdicts == verdicts[:1] * len(verdicts)
    assert len({is_finished(answer) for answer in answers}) == 1
    assert len({ends_in_error(answer) for answer in answers}) == 1


def deserves_to_pass(payload: Payload, session: Session, policy: Policy) -> bool:
    """Say, from Face's bare JSON, whether everything is exactly as it must be."""
    attempts = payload["results"]["attempts"]
    ids = [attempt["attemptId"] for attempt in attempts]
    if any(type(one) is not int or not 0 <= one < 2**31 for one in ids) or len(set(ids)) < len(ids):
        return False
    (last,) = (attempt for attempt in attempts if attempt["attemptId"] == max(ids))
    result, reported = last["result"], session.report
    results = [one["result"] for one in attempts if isinstance(one.get("result"), dict)]
    if any(one.get("livenessDecision") == "spoofface" for one in results):
        return False
    return (
        last["attemptStatus"] == "Succeeded"
        and not last.get("error")
        and result["livenessDecision"] == "realface"
        and not reported.digests_differ
        and (
            not policy.digest_required
            if reported.digest is None
            else result["digest"].lower() == reported.digest
        )
        and (session.kind is Kind.LIVENESS or verifies(result, session, policy))
    )


def verifies(result: Payload, session: Session, policy: Policy) -> bool:
    confidence = result["verifyResult"]["matchConfidence"]
    return (
        result["verifyResult"]["isIdentical"] is True
        and type(confidence) in {int, float}
        and policy.confidence_floor <= confidence <= 1
        and (
            not policy.image_hash_required
            or result["verifyImageHash"].lower() == session.verify_image_sha256
        )
    )


def or_false(predicate: Callable[[], bool]) -> bool:
    try:
        return predicate()
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


POLICIES = st.builds(
    Policy,
    digest_required=st.booleans(),
    confidence_floor=st.sampled_from([0.0, 0.8]),
    image_hash_required=st.booleans(),
)
SESSIONS = st.builds(
    lambda session, report: (a_verify_session if session else a_session)(report=report),
    st.booleans(),
    st.builds(
        Report,
        digest=st.sampled_from([None, DIGEST, DIGEST, OTHER_DIGEST]),
        digests_differ=st.sampled_from([False, False, False, True]),
    ),
)
PAYLOADS = st.sampled_from(
    [
        payloads.RIGHT_PERSON,
        payloads.RIGHT_PERSON,
        payloads.REAL_FACE,
        payloads.DIFFERENT_PERSON,
        payloads.SECOND_TRY_NEWEST_FIRST,
        payloads.SPOOF_THEN_REAL_FACE,
        payloads.FAILED_ONCE,
    ]
).flatmap(mutated)


@given(payload=PAYLOADS, session=SESSIONS, policy=POLICIES)
@settings(max_examples=600, deadline=None)
def test_whatever_face_says_a_check_is_passed_only_if_everything_is_right(
    payload: Payload, session: Session, policy: Policy
) -> None:
    response = FaceResponse(status=200, body=json.dumps(payload).encode())
    try:
        answer = answers.parse_result(response, FACE_SESSION_ID)
    except FaceUnavailableError:
        return
    assert answer is not None
    verdict = judge(answer, session, policy)

    right = or_false(lambda: deserves_to_pass(payload, session, policy))
    assert (verdict.outcome is Outcome.PASSED) is right
    assert (verdict.reasons == ()) is right
    assert is_finished(answer) or not right
