"""What follows for a session from what Face says, or from not knowing what it would say."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.session import background_looks, looks, missing_digest, transitions
from shared.session.face_answer import FaceAnswer, FaceStatus
from shared.session.late_digest import hash_for_later
from shared.session.limits import NO_LIMITS, Limits
from shared.session.session import Reason, Report, Session, Status
from shared.session.verdict import Policy, ends_in_error, is_finished, judge, last_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this deployment decided about the life of a session."""

    policy: Policy
    grace: timedelta
    retention: timedelta
    # An ending is taken on by a message: there is more to do than to delete at Face.
    walks_by_message: bool = False
    analyzes_images: bool = False
    sends_events: bool = False
    limits: Limits = NO_LIMITS


def after_completion(
    session: Session, answer: FaceAnswer | None, report: Report, rules: Rules, now: datetime
) -> Session:
    """Weigh a reported completion against Face's answer; None is that it knows no such session."""
    session = _with_report(session, report, now)
    settled = _settle(session, answer, rules, now)
    return settled or transitions.processing(looks.with_empty_look(session, now), now)


def after_unanswered_completion(session: Session, report: Report, now: datetime) -> Session:
    """Keep a reported completion for which Face had no answer."""
    session = looks.with_empty_look(_with_report(session, report, now), now)
    return transitions.processing(session, now)


def after_early_completion(session: Session, report: Report, now: datetime) -> Session:
    """Keep a reported completion that comes too soon after the last look for another."""
    session = _with_report(session, report, now)
    if session.status is Status.STARTED:
        session = looks.with_message(session, now)
    return transitions.processing(session, now)


def after_failed_try(session: Session, report: Report, rules: Rules, now: datetime) -> Session:
    """Let the person try again, and somebody look whether Face has a result all the same."""
    session = _with_report(session, report, now)
    if session.awaits_digest:
        # There is no further try: Face has its result.
        return session
    return transitions.reopened(looks.with_message(session, now), rules.grace)


def after_message(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Look again because a message says so."""
    settled = _settle(session, answer, rules, now)
    return settled or background_looks.with_empty_look_of_message(session, now)


def after_alarm(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Look at an open session whose alarm is due: for the last time once it is stale."""
    if settled := _settle(session, answer, rules, now):
        return settled
    if not session.is_stale(now, rules.grace):
        return transitions.postponed(background_looks.with_empty_look_of_alarm(session, now), now)
    if answer is not None and ends_in_error(answer):
        return _judge(session, answer, rules, now)
    return transitions.abandoned(session, now)


def after_cancel(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Give up, unless the check had finished: then it keeps its verdict."""
    if answer is not None and is_finished(answer):
        return _judge(session, answer, rules, now)
    is_running = answer is not None and answer.status is FaceStatus.RUNNING
    return transitions.canceled(session, now, during_check=is_running)


def _with_report(session: Session, report: Report, now: datetime) -> Session:
    session = replace(session, report=session.report.merge(report))
    is_waited_for = session.awaits_digest and session.report.has_digest
    return missing_digest.arrived(session, now) if is_waited_for else session


def _settle(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session | None:
    """End what Face knows no more or has finished, but for a pass whose digest may yet come."""
    if answer is None:
        return transitions.abandoned(session, now)
    if not is_finished(answer):
        return None
    judged = _judge(session, answer, rules, now)
    lacks_only_digest = judged.reasons == (Reason.DIGEST_MISSING,)
    if lacks_only_digest and not session.is_stale(now, rules.grace):
        return missing_digest.awaited(session, rules.grace, now)
    return judged


def _judge(session: Session, answer: FaceAnswer, rules: Rules, now: datetime) -> Session:
    attempt = last_attempt(answer)
    judged = transitions.completed(session, judge(answer, session, rules.policy), now)
    return replace(
        judged,
        image=session.image.of(attempt, analyzes=rules.analyzes_images),
        face_digest_hash=None if session.report.has_digest else hash_for_later(attempt),
        # Where a device brings the reference image, Face sees it only then.
        reference_image=session.reference_image or answer.reference_image,
    )
