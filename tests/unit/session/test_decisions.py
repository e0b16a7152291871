from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session import decisions, looks, missing_digest, transitions
from shared.session.face_answer import Attempt, FaceAnswer, FaceStatus, Quality
from shared.session.late_digest import LateDigest
from shared.session.session import Reason, Report, Session, Status
from shared.session.verdict import Policy
from tests.support.builders import (
    DIGEST,
    GRACE,
    NOW,
    REFERENCE_IMAGE,
    RULES,
    TOKEN_LIFE,
    a_failed_attempt,
    a_passing_answer,
    a_running_answer,
    a_session,
    an_answer,
    an_attempt,
)

SOON = NOW + timedelta(minutes=1)
STALE = NOW + TOKEN_LIFE + GRACE
STARTED = a_session()
PROCESSING = transitions.processing(a_session(), NOW)
OPEN = [pytest.param(STARTED, id="started"), pytest.param(PROCESSING, id="processing")]

PASSED, FAILED_ONCE, NOTHING_YET, GONE = (
    a_passing_answer(),
    an_answer(a_failed_attempt(), status=FaceStatus.RUNNING),
    a_running_answer(),
    None,
)
SPOOF = an_answer(an_attempt(liveness_decision="spoofface"))
FAILED_REPORT = Report(liveness_error="FaceWithMaskDetected")


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "report", "status"),
    [
        pytest.param(PASSED, Report(), Status.COMPLETED, id="finished"),
        pytest.param(PASSED, FAILED_REPORT, Status.COMPLETED, id="finished-whatever-was-reported"),
        pytest.param(NOTHING_YET, Report(), Status.PROCESSING, id="no-result-yet"),
        pytest.param(FAILED_ONCE, Report(), Status.PROCESSING, id="failed-once-and-not-said"),
        pytest.param(GONE, Report(), Status.ABANDONED, id="face-knows-no-such-session"),
        pytest.param(GONE, FAILED_REPORT, Status.ABANDONED, id="gone-whatever-was-reported"),
        pytest.param(
            an_answer(status=FaceStatus.FAILED), Report(), Status.COMPLETED, id="session-failed"
        ),
    ],
)
def test_a_completion_is_weighed_against_what_face_says(
    session: Session, answer: FaceAnswer | None, report: Report, status: Status
) -> None:
    after = decisions.after_completion(session, answer, report, RULES, SOON)

    assert (after.status, after.report) == (status, report)
    assert after.ended_at == (SOON if after.is_final else None)
    assert after.empty_looks == (0 if after.is_final else 1)


def test_two_different_digests_make_the_session_untrusted() -> None:
    first = decisions.after_unanswered_completion(STARTED, Report(digest="0" * 64), SOON)
    after = decisions.after_completion(first, PASSED, Report(digest=DIGEST), RULES, SOON)

    assert after.verdict is not None
    assert after.verdict.reasons == ("DigestMismatch",)


@pytest.mark.parametrize("session", OPEN)
def test_a_completion_is_kept_while_face_is_silent(session: Session) -> None:
    report = Report(digest=DIGEST, liveness_error="TimedOut")
    after = decisions.after_unanswered_completion(session, report, NOW)

    look_at = NOW + timedelta(seconds=2)
    assert after == replace(
        PROCESSING, report=report, empty_looks=1, look_at=look_at, message_at=look_at
    )


@pytest.mark.parametrize("session", OPEN)
def test_a_completion_that_comes_too_soon_for_a_look_is_kept(session: Session) -> None:
    report = Report(digest=DIGEST)

    look_at = NOW + timedelta(seconds=30)
    session = replace(session, look_at=look_at)

    after = decisions.after_early_completion(session, report, NOW)
    # Who reported before has had his messages, and the alarm has the rest.
    message_at = look_at if session.status is Status.STARTED else None
    assert after == replace(PROCESSING, report=report, look_at=look_at, message_at=message_at)


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize("report", [FAILED_REPORT, Report(recognition_error="FaceNotFrontal")])
def test_after_a_failed_try_the_person_may_try_again_and_somebody_looks(
    report: Report, session: Session
) -> None:
    after = decisions.after_failed_try(session, report, RULES, NOW)

    assert after == replace(STARTED, report=report, message_at=NOW + timedelta(seconds=2))


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(PASSED, Status.COMPLETED, id="finished"),
        pytest.param(NOTHING_YET, None, id="no-result-yet"),
        pytest.param(FAILED_ONCE, None, id="failed-once"),
        pytest.param(GONE, Status.ABANDONED, id="face-knows-no-such-session"),
    ],
)
def test_a_message_changes_nothing_but_an_ending(
    session: Session, answer: FaceAnswer | None, status: Status | None
) -> None:
    after = decisions.after_message(session, answer, RULES, STALE)

    assert after.status is (status or session.status)
    assert after.is_final or after == looks.with_empty_look(session, STALE)


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "now", "status", "reasons"),
    [
        pytest.param(PASSED, SOON, Status.COMPLETED, (), id="finished-early"),
        pytest.param(PASSED, STALE, Status.COMPLETED, (), id="finished-and-nobody-said"),
        pytest.param(GONE, SOON, Status.ABANDONED, None, id="gone-early"),
        pytest.param(GONE, STALE, Status.ABANDONED, None, id="gone"),
        pytest.param(NOTHING_YET, STALE, Status.ABANDONED, None, id="no-attempt"),
        pytest.param(
            an_answer(Attempt(attempt_id=1, status=FaceStatus.RUNNING), status=FaceStatus.RUNNING),
            STALE,
            Status.ABANDONED,
            None,
            id="an-attempt-that-never-ended",
        ),
        pytest.param(
            FAILED_ONCE, STALE, Status.COMPLETED, ("AttemptError",), id="an-attempt-in-error"
        ),
    ],
)
def test_an_alarm_ends_what_is_over(
    session: Session,
    answer: FaceAnswer | None,
    now: datetime,
    status: Status,
    reasons: tuple[str, ...] | None,
) -> None:
    after = decisions.after_alarm(session, answer, RULES, now)

    assert (after.status, after.ended_at) == (status, now)
    assert (after.verdict and after.verdict.reasons) == reasons


@pytest.mark.parametrize("answer", [NOTHING_YET, FAILED_ONCE], ids=["no-attempt", "failed-once"])
def test_an_alarm_waits_on_while_the_person_may_still_try(answer: FaceAnswer) -> None:
    just_before = STALE - timedelta(microseconds=1)
    after = decisions.after_alarm(PROCESSING, answer, RULES, just_before)

    looked = replace(PROCESSING, empty_looks=1, look_at=just_before + looks.pause_after(1))
    assert after == transitions.postponed(looked, just_before)


@pytest.mark.parametrize("session", OPEN)
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(PASSED, Status.COMPLETED, id="a-finished-check-keeps-its-verdict"),
        pytest.param(NOTHING_YET, Status.CANCELED, id="no-attempt"),
        pytest.param(FAILED_ONCE, Status.CANCELED, id="failed-once"),
        pytest.param(GONE, Status.CANCELED, id="face-knows-no-such-session"),
    ],
)
def test_giving_up_cancels_what_has_not_finished(
    session: Session, answer: FaceAnswer | None, status: Status
) -> None:
    after = decisions.after_cancel(session, answer, RULES, SOON)

    assert (after.status, after.ended_at) == (status, SOON)


def test_what_face_saw_of_a_reference_image_is_kept_from_whenever_it_first_told() -> None:
    of_client = replace(PASSED, reference_image=REFERENCE_IMAGE)
    told = a_session(reference_image=replace(REFERENCE_IMAGE, quality=Quality.MEDIUM))

    for session, kept in ((STARTED, REFERENCE_IMAGE), (told, told.reference_image)):
        after = decisions.after_completion(session, of_client, Report(), RULES, SOON)
        assert after.reference_image == kept


REQUIRED = replace(RULES, policy=Policy(digest_required=True))
# As after some looks and alarms in vain.
WAITING = replace(
    missing_digest.awaited(replace(PROCESSING, alarm_delays=3), GRACE, NOW), empty_looks=3
)


@pytest.mark.parametrize("session", OPEN)
def test_a_pass_whose_required_digest_is_missing_waits_until_nobody_can_bring_it(
    session: Session,
) -> None:
    on_report = decisions.after_completion(session, PASSED, Report(), REQUIRED, SOON)
    on_message = decisions.after_message(session, PASSED, REQUIRED, SOON)
    on_alarm = decisions.after_alarm(session, PASSED, REQUIRED, SOON)

    assert on_report == on_message == on_alarm
    assert (on_alarm.status, on_alarm.verdict) == (Status.PROCESSING, None)
    assert (on_alarm.look_at, on_alarm.alarm_at) == (STALE, STALE)
    ended = decisions.after_alarm(on_alarm, PASSED, REQUIRED, STALE)
    assert ended.reasons == (Reason.DIGEST_MISSING,)
    assert not ended.awaits_digest


@pytest.mark.parametrize(
    ("answer", "report", "reasons"),
    [
        pytest.param(PASSED, Report(digest=DIGEST), (), id="with-its-digest"),
        pytest.param(PASSED, Report(digest="0" * 64), ("DigestMismatch",), id="with-another"),
        pytest.param(SPOOF, Report(), ("Spoof",), id="rejected"),
        pytest.param(
            an_answer(an_attempt(liveness_decision="uncertain")),
            Report(),
            ("Uncertain", "DigestMissing"),
            id="inconclusive-anyway",
        ),
    ],
)
def test_what_a_digest_could_not_make_pass_does_not_wait_for_one(
    answer: FaceAnswer, report: Report, reasons: tuple[str, ...]
) -> None:
    after = decisions.after_completion(STARTED, answer, report, REQUIRED, SOON)

    assert (after.status, after.reasons) == (Status.COMPLETED, reasons)


def test_while_a_digest_is_waited_for_other_reports_change_only_what_was_said() -> None:
    early = decisions.after_early_completion(WAITING, Report(result_id="r"), SOON)
    failed = decisions.after_failed_try(WAITING, FAILED_REPORT, REQUIRED, SOON)

    assert early == replace(WAITING, report=Report(result_id="r"))
    assert failed == replace(WAITING, report=FAILED_REPORT)


def test_a_digest_that_was_waited_for_is_looked_after_though_face_is_away() -> None:
    after = decisions.after_unanswered_completion(WAITING, Report(digest=DIGEST), SOON)

    assert (after.status, after.awaits_digest) == (Status.PROCESSING, False)
    assert after.message_at == after.look_at == SOON + looks.pause_after(1)
    assert (after.alarm_at, after.alarm_delays) == (SOON + timedelta(minutes=1), 0)


def test_whoever_gives_up_while_a_digest_is_waited_for_ends_the_check_without_one() -> None:
    after = decisions.after_cancel(WAITING, PASSED, REQUIRED, SOON)

    assert (after.status, after.reasons) == (Status.COMPLETED, ("DigestMissing",))


def ended_with(answer: FaceAnswer, report: Report | None = None) -> Session:
    ended = decisions.after_completion(STARTED, answer, report or Report(), RULES, SOON)
    assert ended.is_final
    return ended


@pytest.mark.parametrize(
    ("ended", "digest", "late"),
    [
        pytest.param(ended_with(PASSED), DIGEST, "matched", id="right"),
        pytest.param(ended_with(PASSED), "0" * 64, "mismatched", id="wrong"),
        pytest.param(ended_with(PASSED), None, "none", id="none"),
        pytest.param(ended_with(SPOOF), "0" * 64, "mismatched", id="of-a-spoof"),
        pytest.param(
            ended_with(an_answer(an_attempt(digest=None))), DIGEST, "mismatched", id="Face-has-none"
        ),
        pytest.param(
            ended_with(an_answer(a_failed_attempt())), DIGEST, "none", id="no-result-to-compare"
        ),
        pytest.param(
            ended_with(PASSED, Report(digest=DIGEST)), "0" * 64, "none", id="one-came-before"
        ),
        pytest.param(transitions.abandoned(STARTED, SOON), DIGEST, "none", id="abandoned"),
        pytest.param(transitions.canceled(STARTED, SOON), DIGEST, "none", id="canceled"),
    ],
)
def test_the_first_digest_after_the_end_is_compared_and_nothing_else_changes(
    ended: Session, digest: str | None, late: str
) -> None:
    after = missing_digest.compared(ended, Report(digest=digest))

    kept = None if late != "none" else ended.face_digest_hash
    assert after == replace(ended, late_digest=LateDigest(late), face_digest_hash=kept)
    if late != "none":
        assert missing_digest.compared(after, Report(digest="1" * 64)) == after


@pytest.mark.parametrize("status", [*FaceStatus, None])
def test_whoever_gives_up_while_a_device_is_at_work_has_CanceledDuringCheck(  # noqa: N802
    status: FaceStatus | None,
) -> None:
    after = decisions.after_cancel(STARTED, an_answer(status=status), RULES, SOON)

    is_counted = after.reasons == (Reason.CANCELED_DURING_CHECK,)
    assert (after.is_canceled_during_check, is_counted) == (status is FaceStatus.RUNNING,) * 2


ANSWERS = st.sampled_from(
    [PASSED, FAILED_ONCE, NOTHING_YET, GONE, an_answer(status=FaceStatus.CANCELED)]
)
REPORTS = st.sampled_from([Report(), FAILED_REPORT, Report(digest=DIGEST)])
MOMENTS = st.integers(0, 60 * 60 * 50).map(lambda seconds: NOW + timedelta(seconds=seconds))
STEPS: list[Callable[[Session, FaceAnswer | None, Report, datetime], Session]] = [
    lambda one, answer, report, now: decisions.after_completion(one, answer, report, RULES, now),
    lambda one, _, report, now: decisions.after_unanswered_completion(one, report, now),
    lambda one, answer, _, now: decisions.after_message(one, answer, RULES, now),
    lambda one, answer, _, now: decisions.after_alarm(one, answer, RULES, now),
    lambda one, answer, _, now: decisions.after_cancel(one, answer, RULES, now),
]


@given(st.lists(st.tuples(st.sampled_from(STEPS), ANSWERS, REPORTS, MOMENTS), max_size=8))
@settings(max_examples=200, deadline=None)
def test_only_a_completed_session_has_a_verdict_and_only_a_final_one_an_end(
    story: list[
        tuple[
            Callable[[Session, FaceAnswer | None, Report, datetime], Session],
            FaceAnswer | None,
            Report,
            datetime,
        ]
    ],
) -> None:
    session = STARTED
    for step, answer, report, now in story:
        if session.is_final:
            break
        session = step(session, answer, report, now)

        assert (session.verdict is not None) == (session.status is Status.COMPLETED)
        assert (session.ended_at is not None) == session.is_final
        assert session.has_face_data
        assert session.is_final or session.alarm_at > NOW
