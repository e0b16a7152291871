"""What must be so of the table's rows at every moment, whoever wrote them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.support.constants import RETENTION_SECONDS

type Row = dict[str, Any]


def sessions_of(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["RowKey"].startswith("session-")]


def rows_of(rows: Iterable[Row], session_id: str) -> list[Row]:
    """Choose one session's rows: itself, its alarms, its key and that one's alarm, its count."""
    rows = list(rows)
    names = {session_id}
    for row in rows:
        if row["RowKey"] == f"session-{session_id}":
            names.add(row["personSha256"])
        if row.get("sessionId") == session_id:
            names.add(row["RowKey"].removeprefix("key-"))
    return [row for row in rows if any(name in row["RowKey"] for name in names)]


def flaws_in(rows: Iterable[Row]) -> list[str]:
    """Say what the table may never be: alarms and counts that do not fit the sessions."""
    rows = list(rows)
    expected = Counter[str]()
    open_sessions = Counter[str]()
    for row in sessions_of(rows):
        expected[alarm_key_of(row)] += 1
        if row["status"] in {"started", "processing"}:
            open_sessions[row["personSha256"]] += 1
    for row in rows:
        if row["RowKey"].startswith("key-"):
            expected[f"alarm-{row['endsAt']}-record-{row['RowKey'].removeprefix('key-')}"] += 1
    alarms = Counter(row["RowKey"] for row in rows if row["RowKey"].startswith("alarm-"))
    counted = Counter(
        {
            row["RowKey"].removeprefix("person-"): row["openSessions"]
            for row in rows
            if row["RowKey"].startswith("person-")
        }
    )
    return [
        *(f"missing {key}" for key in expected - alarms),
        *(f"orphaned {key}" for key in alarms - expected),
        *(f"person {person} is counted too low" for person in open_sessions - counted),
        *(f"person {person} is counted too high" for person in counted - open_sessions),
    ]


def alarm_key_of(row: Row) -> str:
    """Name the one alarm that a session's row must have beside it."""
    ended = "ended" if row["atFace"] else "purge"
    ended = "event" if "eventDueSince" in row else ended
    word = {"started": "open", "processing": "reported"}.get(row["status"], ended)
    return f"alarm-{row['alarmAt']}-{word}-{row['RowKey'].removeprefix('session-')}"


def is_clean(row: Row) -> bool:
    """Tell whether a row is final, Face has nothing of it, and its alarm is the purge."""
    ended = datetime.fromisoformat(row["endedAt"])
    alarm = datetime.fromisoformat(row["alarmAt"])
    return row["atFace"] is False and (alarm - ended).total_seconds() == RETENTION_SECONDS
