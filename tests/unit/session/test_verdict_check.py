from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session import transitions
from shared.session.attempts import record_attempts
from shared.session.face_answer import Attempt
from shared.session.reference import ReferenceSource
from shared.session.session import Comparison, Kind, Outcome, Reason, Session, Verdict
from shared.session.verdict import Policy, judge
from shared.session.verdict_check import is_plausible
from tests.support.any_records import any_record
from tests.support.builders import (
    NOW,
    a_passing_answer,
    a_session,
    a_verify_session,
    an_answer,
    an_attempt,
)

PASSED = judge(a_passing_answer(), a_verify_session(), Policy())


def ended(verdict: Verdict, *, source: ReferenceSource = ReferenceSource.SERVER) -> Session:
    return transitions.completed(a_verify_session(reference_source=source), verdict, NOW)


@given(
    attempts=st.lists(any_record(Attempt), max_size=3),
    policy=any_record(Policy),
    session=st.sampled_from([a_session(), a_verify_session()]),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_judged_may_be_served(
    attempts: list[Attempt], policy: Policy, session: Session
) -> None:
    verdict = judge(an_answer(*attempts), session, policy)

    assert is_plausible(transitions.completed(session, verdict, NOW))


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({"liveness_decision": "spoofface"}, id="a-spoof"),
        pytest.param({"liveness_decision": "uncertain"}, id="uncertain"),
        pytest.param({"liveness_decision": None}, id="no-decision"),
        pytest.param({"reasons": (Reason.SPOOF,)}, id="a-reason-against-it"),
        pytest.param({"digest": Comparison.MISMATCHED}, id="another-digest"),
        pytest.param({"is_identical": False}, id="another-person"),
        pytest.param({"is_identical": None}, id="not-verified"),
        pytest.param({"match_confidence": None}, id="no-confidence"),
        pytest.param(
            {"attempts": record_attempts([an_attempt(liveness_decision="spoofface")])},
            id="a-spoof-in-another-attempt",
        ),
    ],
)
def test_a_pass_that_nothing_can_have_come_to_is_not_served(forged: dict[str, object]) -> None:
    assert is_plausible(ended(PASSED))
    assert not is_plausible(ended(replace(PASSED, **forged)))  # type: ignore[arg-type]


def test_a_check_without_verify_passes_without_a_word_on_who_it_was() -> None:
    verdict = replace(PASSED, is_identical=None, match_confidence=None)

    assert is_plausible(transitions.completed(a_session(), verdict, NOW))
    assert not is_plausible(ended(verdict))


def test_what_a_device_brought_must_be_what_face_has_seen() -> None:
    mismatched = replace(PASSED, verify_image_hash=Comparison.MISMATCHED)

    assert is_plausible(ended(mismatched))
    assert is_plausible(ended(PASSED, source=ReferenceSource.CLIENT))
    assert not is_plausible(ended(mismatched, source=ReferenceSource.CLIENT))


def test_only_a_completed_check_has_an_outcome_and_each_has_one() -> None:
    assert not is_plausible(replace(ended(PASSED), verdict=None))
    assert not is_plausible(replace(transitions.canceled(a_session(), NOW), verdict=PASSED))
    assert is_plausible(transitions.abandoned(a_session(), NOW))
    assert is_plausible(ended(Verdict(outcome=Outcome.REJECTED, reasons=(Reason.SPOOF,))))
    assert PASSED.outcome is Outcome.PASSED
    assert ended(PASSED).kind is Kind.LIVENESS_WITH_VERIFY
