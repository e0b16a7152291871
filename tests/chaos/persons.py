"""What must hold of persons: whom the limits stop has reached them, and nobody passes a lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.chaos.cases import time_of
from tests.chaos.findings import Findings
from tests.chaos.history import Asked, History
from tests.chaos.system import IMPATIENT, System
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row
from tests.support.constants import FINAL
from tests.support.seals import sealer_of

_MAX_OPEN, _MAX_STARTS, _MAX_FAILURES = 5, 20, int(IMPATIENT["MAX_FAILURES"])
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
# What the watcher has seen so long before a create, that create must know.
_SURELY_KNOWN = timedelta(seconds=3)
_FAILURES = {"rejected", "untrusted"}
_WITH_VERIFY = "livenessWithVerify"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """One person's sessions, and every create that was asked for."""

    rows: Sequence[Row]
    creates: Sequence[Asked]


def check(
    rows: Sequence[Row], histories: Sequence[History], system: System, findings: Findings
) -> None:
    """Check every person."""
    people: dict[str, _Person] = {}
    for history in histories:
        person = _hash_person(history, system)
        mine = [row for row in by_kind(rows, "session") if row.get("person") == person]
        known = people.get(person, _Person(rows=mine, creates=[]))
        creates = [*known.creates, *(one for one in history.asked if one.act == "create")]
        people[person] = _Person(rows=mine, creates=creates)
    for each in people.values():
        _check_refusals(each, system, findings)
        for row in each.rows:
            _check_lock(row, each.rows, system, findings)


def _hash_person(history: History, system: System) -> str:
    script = history.script
    kind = "user" if script.by_user else "device"
    return sealer_of(system.stack.state).hash_person(kind, script.person)


def _check_refusals(person: _Person, system: System, findings: Findings) -> None:
    for one in person.creates:
        if one.code not in {"TooManySessions", "TooManyAttempts"}:
            continue
        findings.check(one.comes_back, "whom a limit stops is told for how long", one)
        sent = system.stack_time(one.sent) - system.skew.margin
        answered = system.stack_time(one.answered) + system.skew.margin
        open_then = [
            row
            for row in person.rows
            if time_of(row["createdAt"]) <= answered and time_of(row["expiresAt"]) >= sent
        ]
        failures = [
            row for row in person.rows if _is_failure(row) and time_of(row["endedAt"]) <= answered
        ]
        asked = [other for other in person.creates if other.sent <= one.answered]
        reached = (
            len(open_then) >= _MAX_OPEN
            if one.code == "TooManySessions"
            else len(failures) >= _MAX_FAILURES or len(asked) >= _MAX_STARTS
        )
        findings.check(reached, "a limit stops nobody who has not reached it", one)


def _check_lock(row: Row, rows: Sequence[Row], system: System, findings: Findings) -> None:
    created = time_of(row["createdAt"])
    began = system.real(created)
    # A clock that leaps meanwhile makes before and after hard to tell.
    if any(abs(began - when) < _SURELY_KNOWN for when, _ in system.skips):
        return
    margin = system.skew.margin
    known = [one for one in rows if one is not row and _was_known(one, began - margin, system)]
    recent = [one for one in known if time_of(one["endedAt"]) + _DAY > created + margin]
    failures = [one for one in recent if _is_failure(one) and not _is_forgiven(one, rows, margin)]
    if len(failures) < _MAX_FAILURES:
        return
    last = max(time_of(one["endedAt"]) for one in failures)
    until = last + _MINUTE * 2 ** (len(failures) - _MAX_FAILURES)
    findings.check(
        created >= until - 2 * margin,
        "nobody who is locked starts a check",
        f"locked until {until}, started {created}",
        row["RowKey"].removeprefix("session-"),
    )


def _was_known(row: Row, real: datetime, system: System) -> bool:
    steps = system.watcher.steps.get(row["RowKey"].removeprefix("session-"), ())
    seen = [when for when, step in steps if step["status"] in FINAL]
    return bool(seen) and min(seen) < real - _SURELY_KNOWN


def _is_forgiven(failure: Row, rows: Sequence[Row], margin: timedelta) -> bool:
    return any(
        one.get("outcome") == "passed"
        and one["kind"] in {failure["kind"], _WITH_VERIFY}
        and time_of(one["endedAt"]) + margin >= time_of(failure["endedAt"])
        for one in rows
    )


def _is_failure(row: Row) -> bool:
    return bool(row.get("isCanceledDuringCheck")) or row.get("outcome") in _FAILURES
