"""What must hold of everything that frontends were told of a session."""

from tests.chaos.cases import Case
from tests.chaos.findings import Findings
from tests.chaos.history import Asked
from tests.support.constants import FINAL

_OK, _GONE = 200, 204


def check(case: Case, findings: Findings) -> None:
    """Check that no answer contradicts another, or the record."""
    final = [one for one in case.asked if one.told in FINAL or _is_gone(one)]
    for one in final:
        agrees = one.told in {None, case.status}
        findings.check(agrees, "what was told is what is recorded", one, case.session_id)
    for one in case.asked:
        if one.act == "result" and one.status == _OK:
            same = one.outcome == case.row.get("outcome")
            findings.check(same, "the outcome told is the one recorded", one, case.session_id)
    _check_consumers(case, findings)
    for one in case.asked:
        later = any(end.answered < one.sent for end in final)
        still_open = one.told in {"started", "processing"} or one.code == "SessionNotFinal"
        findings.check(
            not (later and still_open), "no answer takes an ending back", one, case.session_id
        )


def _check_consumers(case: Case, findings: Findings) -> None:
    uses = [one for one in case.asked if one.act == "consume"]
    served = {one.consumer for one in uses if one.status == _OK}
    findings.check(len(served) <= 1, "a result is consumed by one", served, case.session_id)
    first = case.row.get("consumer")
    findings.check(
        served <= {first}, "the consumer who was told is recorded", served, case.session_id
    )
    for one in (one for one in uses if one.code == "ResultConsumed"):
        other = one.consumer != first
        findings.check(other, "only another's use is refused", one, case.session_id)


def _is_gone(asked: Asked) -> bool:
    return asked.act == "cancel" and asked.status == _GONE
