"""What must hold of the events: each ending is told, as it is recorded, and nothing else is."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.chaos.findings import Findings
from tests.chaos.skew import Skew
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row

type Event = dict[str, Any]

_NAMES = {
    "completed": "SessionCompleted",
    "abandoned": "SessionAbandoned",
    "canceled": "SessionCanceled",
}
_FAILURES = {"rejected", "untrusted"}


def check(events: Sequence[Event], rows: Sequence[Row], skew: Skew, findings: Findings) -> None:
    """Check what came against what is recorded; that it came more than once is no fault."""
    told: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        told[event["id"]].append(event)
    sessions = {row["RowKey"].removeprefix("session-"): row for row in by_kind(rows, "session")}
    endings = {f"{_NAMES[row['status']]}:{one}": row for one, row in sessions.items()}
    for name, row in endings.items():
        session_id = row["RowKey"].removeprefix("session-")
        findings.check(name in told, "every ending is told", name, session_id)
    for name, copies in told.items():
        what, _, session_id = name.partition(":")
        same = all(_facts(copy, skew) == _facts(copies[0], skew) for copy in copies)
        findings.check(same, "an event that comes again is the same", copies, session_id)
        if what == "PersonLocked":
            failed = session_id in sessions and _is_failure(sessions[session_id])
            findings.check(failed, "only a failure locks", copies[0], session_id)
            continue
        fits = name in endings and _tells(copies[0], endings[name])
        findings.check(fits, "what an event tells is what is recorded", copies[0], session_id)


def _facts(event: Event, skew: Skew) -> Event:
    # A failure that a host with another clock records later may count as an earlier one.
    moves = {"lockedUntil"} if skew.margin else set()
    data = {name: fact for name, fact in event["data"].items() if name not in moves}
    return {**event, "data": data}


def _tells(event: Event, row: Row) -> bool:
    told = event["data"]
    recorded = (row["status"], row.get("outcome"), row["endedAt"])
    return (told["status"], told["outcome"], event["time"]) == recorded


def _is_failure(row: Row) -> bool:
    return bool(row.get("isCanceledDuringCheck")) or row.get("outcome") in _FAILURES
