"""What must hold of every session in the end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.chaos import answers, creates, expected
from tests.chaos.cases import Case, cases
from tests.chaos.findings import Findings
from tests.chaos.history import Asked, History, Played
from tests.chaos.system import System
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row
from tests.support.constants import FINAL

_GRACE = timedelta(seconds=300)
_TOKEN_OUTLIVES_END = timedelta(hours=1)
_OK, _ACCEPTED, _UNKNOWN = 200, 202, 404
# 0 is a lost answer; every other status is one that the contract has for this call.
_MAY_ANSWER = {
    "create": {0, 201, 409, 422, 429, 502, 503},
    "complete": {0, 200, 202, 409, 503},
    "cancel": {0, 204, 409, 502, 503},
    "status": {0, 200, 503},
    "result": {0, 200, 409, 503},
    "consume": {0, 200, 409, 503},
}


def check(
    rows: Sequence[Row], histories: Sequence[History], system: System, findings: Findings
) -> None:
    """Check everything that must hold before the retention ends."""
    for history in histories:
        creates.check(history, by_kind(rows, "session"), system, findings)
        _check_answers(history, system, findings)
    for case in cases(rows, histories):
        findings.check(case.status in FINAL, "every session is final", case.status, case.session_id)
        _check_ending(case, system, findings)
        answers.check(case, findings)
    for session_id, change in system.watcher.changed_endings:
        findings.check(not change, "an ending never changes", change, session_id)


def _check_answers(history: History, system: System, findings: Findings) -> None:
    for asked in history.asked:
        may_be_closed = asked.act in {"complete", "cancel", "status"} and asked.status == _UNKNOWN
        findings.check(
            asked.status in _MAY_ANSWER[asked.act]
            or (may_be_closed and _lived_long(history, asked, system)),
            "every answer is one of the contract's",
            asked,
            asked.opened.session_id if asked.opened else None,
        )


def _lived_long(history: History, asked: Asked, system: System) -> bool:
    """Tell whether the clock leapt so far meanwhile that the session's token may have ended."""
    first = history.asked[0].sent
    leapt = sum(seconds for when, seconds in system.skips if first <= when <= asked.answered)
    return timedelta(seconds=leapt) + (asked.answered - first) >= _TOKEN_OUTLIVES_END


def _check_ending(case: Case, system: System, findings: Findings) -> None:
    match case.status:
        case "completed":
            _check_completed(case, system, findings)
        case "canceled":
            _check_canceled(case, findings)
        case "abandoned":
            _check_abandoned(case, system, findings)
    findings.check(
        (case.verdict is None) == (case.status != "completed"),
        "a verdict is of a completed session, and of no other",
        case.verdict,
        case.session_id,
    )


def _check_completed(case: Case, system: System, findings: Findings) -> None:
    seen = expected.is_over(case.played) or expected.has_errors(case.played)
    findings.check(seen, "nothing is completed that was not played", "", case.session_id)
    if not expected.is_over(case.played):
        late = case.time("endedAt") >= case.time("expiresAt") + _GRACE
        findings.check(late, "a failed try is judged only when it is stale", "", case.session_id)
    if not seen:
        return
    digests = expected.Digests(
        reported=case.row.get("reportedDigest"), differ=case.row["reportedDigestsDiffer"]
    )
    with_verify = case.row["kind"] == "livenessWithVerify"
    right = [
        expected.verdict(played, digests, with_verify=with_verify) for played in _seen(case, system)
    ]
    findings.check(
        case.verdict in right,
        "every verdict is the one that was played",
        f"recorded {case.verdict}, played {right}",
        case.session_id,
    )
    _check_digests(case, system, findings)


def _seen(case: Case, system: System) -> list[Sequence[Played]]:
    """Return what Face may have shown: everything, unless time leapt while a session was opened.

    Such a session is stale by our clock at once, but by Face's it is young and may be played on.
    """
    late = case.time("endedAt") >= case.time("expiresAt") + _GRACE
    if late and _leapt(system, case.played[0].sent, _end_of(case, system)):
        return [case.played[:count] for count in range(1, len(case.played) + 1)]
    return [case.played]


def _leapt(system: System, played: datetime, ended: datetime) -> bool:
    margin = system.skew.margin
    near = ended - played < timedelta(seconds=15) + margin
    first = min(played, ended) - timedelta(seconds=10) - margin
    return near and any(first <= when <= ended + margin for when, _ in system.skips)


def _end_of(case: Case, system: System) -> datetime:
    return system.real(case.time("endedAt"))


def _check_digests(case: Case, system: System, findings: Findings) -> None:
    """Check that what was reported while the session was open has been kept, and nothing else."""
    reported, differ = case.row.get("reportedDigest"), case.row["reportedDigestsDiffer"]
    reports = [one for one in case.asked if one.act == "complete"]
    sent = {one.digest.lower() for one in reports if one.digest}
    findings.check(
        reported is None or reported in sent, "a digest is one that was reported", reported,
        case.session_id,
    )  # fmt: skip
    findings.check(not differ or len(sent) > 1, "digests differ if two came", sent, case.session_id)
    first = _end_of(case, system) - system.skew.margin
    last = _end_of(case, system) + system.skew.margin
    is_only = all(one.digest for one in reports if one.sent <= last) and len(sent) == 1
    is_own = case.time("endedAt") < case.time("expiresAt") and not any(
        one.act == "cancel" and one.sent <= last for one in case.asked
    )
    kept = [one for one in reports if one.digest and _was_kept_open(one)]
    # Nobody but these reports can have ended it, so that the digest came before the ending.
    if kept or (is_only and is_own and any(one.sent <= first for one in reports)):
        findings.check(reported, "a digest that was taken is kept", sent, case.session_id)
    _check_late_digest(case, sent, findings)
    for one in kept:
        same = reported == str(one.digest).lower()
        findings.check(same or differ, "a digest that was taken counts", one, case.session_id)


def _check_late_digest(case: Case, sent: set[str], findings: Findings) -> None:
    late, reported = case.row.get("lateDigest", "none"), case.row.get("reportedDigest")
    right = {one.digest.lower() for one in case.played if one.digest}
    fits = {"none": True, "matched": sent & right, "mismatched": sent - right}[late]
    findings.check(fits, "a late digest is compared with Face's", late, case.session_id)
    is_first = late == "none" or reported is None
    findings.check(is_first, "a late digest is the first", late, case.session_id)


def _was_kept_open(asked: Asked) -> bool:
    return asked.told in {"started", "processing"} and asked.status in {_OK, _ACCEPTED}


def _check_canceled(case: Case, findings: Findings) -> None:
    cancels = [one.sent for one in case.asked if one.act == "cancel"]
    findings.check(cancels, "only what was given up is canceled", "", case.session_id)
    over = expected.ending(case.played)
    if over and cancels:
        finished_first = over.answered < min(cancels)
        findings.check(
            not finished_first, "a finished check is not canceled", over, case.session_id
        )


def _check_abandoned(case: Case, system: System, findings: Findings) -> None:
    ended = case.time("endedAt")
    findings.check(
        ended >= case.time("expiresAt") + _GRACE,
        "nothing is abandoned before it is stale",
        f"ended {ended}, expired {case.time('expiresAt')}",
        case.session_id,
    )
    over = expected.ending(case.played)
    if over is None:
        return
    # Only a clock that leaps meanwhile can make a check stale that is just being played.
    leapt = _leapt(system, over.sent, _end_of(case, system))
    findings.check(leapt, "a finished check is not abandoned", over, case.session_id)
