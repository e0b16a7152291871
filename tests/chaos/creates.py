"""What must hold of creates: each session that was told of is there, and a key has only one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from tests.chaos.cases import time_of
from tests.chaos.findings import Findings
from tests.chaos.history import Asked, History
from tests.chaos.system import System
from tests.chaos.watcher import Row

_KEY_LIFE = timedelta(hours=24)
# Status, code, and whether it says when to come back: a repeat asks the table and nobody else.
_REPEAT_MAY_ANSWER = {
    (0, None, False),
    (409, "SessionConflict", False),
    (503, "StoreUnavailable", True),
}

type Rows = Mapping[str, Row]


def check(history: History, rows: Sequence[Row], system: System, findings: Findings) -> None:
    """Check the creates of one script."""
    known = {row["RowKey"].removeprefix("session-"): row for row in rows}
    for opened in history.opened:
        row = known.get(opened.session_id)
        findings.check(row, "every session that was told of is there", "", opened.session_id)
        own = row is not None and row["faceSessionId"] == opened.face_session_id
        findings.check(own, "a session keeps its one Face session", opened, opened.session_id)
    creates = [one for one in history.asked if one.act == "create" and one.key]
    for key in dict.fromkeys(one.key for one in creates):
        own_creates = [one for one in creates if one.key == key]
        sessions = _check_key(own_creates, known, findings)
        if history.script.by_user and any(one.is_repeat for one in own_creates):
            findings.check(sessions, "a key conflicts with its own session only", key)
        for repeat, session_id in _repeats(own_creates, known, system):
            answer = (repeat.status, repeat.code, repeat.comes_back)
            right = answer in _REPEAT_MAY_ANSWER
            findings.check(right, "a repeated create is a conflict", repeat, session_id)


def _check_key(creates: Sequence[Asked], known: Rows, findings: Findings) -> set[str]:
    told = [one.opened.session_id for one in creates if one.opened]
    # A frontend names the device after the key, unless the device is its person.
    named = {one for one, row in known.items() if row.get("deviceCorrelationId") == creates[0].key}
    sessions = (named | set(told)) & known.keys()
    began = sorted(time_of(known[one]["createdAt"]) for one in sessions)
    apart = all(later - earlier >= _KEY_LIFE for earlier, later in pairwise(began))
    once = len(told) == len(set(told))
    findings.check(apart and once, "a key has one session while it lives", sessions, *told[:1])
    return sessions


def _repeats(creates: Sequence[Asked], known: Rows, system: System) -> Iterator[tuple[Asked, str]]:
    """Find every create that was sent after the key's session was told of, while the key lives."""
    for first in creates:
        if first.opened is None or first.opened.session_id not in known:
            continue
        began = time_of(known[first.opened.session_id]["createdAt"])
        ends = system.real(began + _KEY_LIFE)
        for one in creates:
            if first.answered < one.sent and one.answered < ends:
                yield one, first.opened.session_id
