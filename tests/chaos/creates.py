"""What must hold of creates: each session that was told of is there, and a key has only one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from shared.secret import Secret
from tests.chaos.cases import time_of
from tests.chaos.findings import Findings
from tests.chaos.history import Asked, History
from tests.chaos.system import System
from tests.chaos.watcher import Row
from tests.support.seals import sealer_of

_KEY_LIFE = timedelta(hours=24)
# Status, code, and whether it says when to come back: a repeat asks the vault and the table only.
_REPEAT_MAY_ANSWER = {
    (0, None, False),
    (201, None, False),
    (409, "SessionConflict", False),
    (409, "SessionConflict", True),
    (503, "KeyUnavailable", True),
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
        key_hash = _key_hash(history, key or "", system)
        key_life = _find_key_life(own_creates, system)
        sessions = _check_key(own_creates, key_hash, known, key_life, findings)
        if history.script.by_user and any(one.is_repeat for one in own_creates):
            findings.check(sessions, "a key conflicts with its own session only", key)
        for repeat, first in _repeats(own_creates, known, system):
            session_id = first.opened.session_id if first.opened else ""
            answer = (repeat.status, repeat.code, repeat.comes_back)
            right = answer in _REPEAT_MAY_ANSWER
            findings.check(right, "a repeated create asks Face nothing", repeat, session_id)
            same = repeat.opened is None or repeat.opened == first.opened
            findings.check(same, "a repeated create gets the same answer", repeat, session_id)


def _key_hash(history: History, key: str, system: System) -> str:
    sealer, script = sealer_of(system.stack.state), history.script
    person = sealer.hash_person("user" if script.by_user else "device", script.person)
    return sealer.hash_key(person, Secret(key))


def _find_key_life(creates: Sequence[Asked], system: System) -> timedelta:
    """Return how long a key surely has one session; none, where a create took longer itself.

    A day that is skipped amid a create ends the key before its session is recorded.
    """
    days = [when for when, seconds in system.skips if seconds >= _KEY_LIFE.total_seconds()]
    # What is remembered is a moment just before.
    is_outlived = any(
        one.sent - timedelta(seconds=1) <= when <= one.answered for one in creates for when in days
    )
    return timedelta() if is_outlived else _KEY_LIFE - system.skew.margin


def _check_key(
    creates: Sequence[Asked], key_hash: str, known: Rows, key_life: timedelta, findings: Findings
) -> set[str]:
    told = [one.opened.session_id for one in creates if one.opened]
    named = {one for one, row in known.items() if row.get("keyHash") == key_hash}
    sessions = (named | set(told)) & known.keys()
    began = sorted(time_of(known[one]["createdAt"]) for one in sessions)
    apart = all(later - earlier >= key_life for earlier, later in pairwise(began))
    findings.check(apart, "a key has one session while it lives", sessions, *told[:1])
    return sessions


def _repeats(
    creates: Sequence[Asked], known: Rows, system: System
) -> Iterator[tuple[Asked, Asked]]:
    """Find every create that was sent after the key's session was told of, while the key lives."""
    for first in creates:
        if first.opened is None or first.opened.session_id not in known:
            continue
        began = time_of(known[first.opened.session_id]["createdAt"])
        ends = system.real(began + _KEY_LIFE) - system.skew.margin
        for one in creates:
            if first.answered < one.sent and one.answered < ends:
                yield one, first
