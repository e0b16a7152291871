"""What follows for a session from what Face says, or from not knowing what it would say."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.session import transitions
from shared.session.face_answer import FaceAnswer
from shared.session.session import Report, Session
from shared.session.verdict import Policy, ended_in_error, is_finished, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this deployment decided about the life of a session."""

    policy: Policy
    grace: timedelta
    retention: timedelta


def after_completion(
    session: Session, answer: FaceAnswer | None, report: Report, rules: Rules, now: datetime
) -> Session:
    """Weigh a reported completion against Face's answer; None is that it knows no such session."""
    session = _with_report(session, report)
    ended = _final_step(session, answer, rules, now)
    if ended is not None:
        return ended
    if report.has_error:
        return transitions.reopened(session, rules.grace)
    return transitions.processing(session, now)


def after_unanswered_completion(session: Session, report: Report, now: datetime) -> Session:
    """Keep a reported completion while Face cannot be asked."""
    return transitions.processing(_with_report(session, report), now)


def after_message(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Look again because a message says so."""
    return _final_step(session, answer, rules, now) or session


def after_alarm(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Look at an open session whose alarm is due: for the last time once it is stale."""
    if answer is None:
        return transitions.abandoned(session, now)
    if is_finished(answer):
        return _judged(session, answer, rules, now)
    if not session.is_stale(now, rules.grace):
        return transitions.postponed(session, now)
    if ended_in_error(answer):
        return _judged(session, answer, rules, now)
    return transitions.abandoned(session, now)


def after_cancel(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session:
    """Give up, unless the check had finished: then it keeps its verdict."""
    if answer is not None and is_finished(answer):
        return _judged(session, answer, rules, now)
    return transitions.canceled(session, now)


def _with_report(session: Session, report: Report) -> Session:
    return replace(session, report=session.report.followed_by(report))


def _final_step(
    session: Session, answer: FaceAnswer | None, rules: Rules, now: datetime
) -> Session | None:
    if answer is None:
        return transitions.abandoned(session, now)
    return _judged(session, answer, rules, now) if is_finished(answer) else None


def _judged(session: Session, answer: FaceAnswer, rules: Rules, now: datetime) -> Session:
    return transitions.completed(session, judge(answer, session, rules.policy), now)
