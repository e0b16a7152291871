"""What must be so of the table's rows at every moment, whoever wrote them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.session.timestamps import rfc3339
from tests.support.constants import RETENTION_SECONDS

type Row = dict[str, Any]

DAY = timedelta(days=1)
EPOCH = datetime.fromtimestamp(0, UTC)


def sessions_of(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["RowKey"].startswith("session-")]


def rows_of(rows: Iterable[Row], session_id: str) -> list[Row]:
    """Choose one session's rows: itself, its alarms, and what it has in its person's ledger."""
    return [
        row for row in rows if session_id in row["RowKey"] or session_id == row.get("sessionId")
    ]


def flaws_in(rows: Iterable[Row], now: datetime | None = None) -> list[str]:
    """Say what the table may never be: alarms and ledgers that do not fit the sessions.

    Without a moment no token counts as expired, with which a session has no claim to its slot.
    """
    rows = list(rows)
    sessions = sessions_of(rows)
    expected = Counter(alarm_key_of(row) for row in sessions)
    expected.update(_record_alarms(rows))
    alarms = Counter(row["RowKey"] for row in rows if row["RowKey"].startswith("alarm-"))
    return [
        *(f"missing {key}" for key in expected - alarms),
        *(f"orphaned {key}" for key in alarms - expected),
        *(flaw for session in sessions for flaw in _flaws_in_ledger(session, rows, now)),
    ]


def _record_alarms(rows: list[Row]) -> Iterator[str]:
    """Name the alarms by which those rows of ledgers go that no session's purge removes."""
    ids = {row["RowKey"].removeprefix("session-") for row in sessions_of(rows)}
    for row in rows:
        key = row["RowKey"]
        if key.startswith("p:") and "-start-" in key and key.rpartition("-")[2] not in ids:
            at = EPOCH + timedelta(milliseconds=9_999_999_999_999 - int(key.split("-")[1]))
            yield f"alarm-{rfc3339(at + DAY)}-record-{key}"
        if key.endswith(":3-erasure"):
            yield f"alarm-{row['alarmAt']}-erasure-{key}"
        if key.startswith("receipt-") and "erasedAt" in row:
            yield from _alarms_of_receipt(row, rows)
        if key.endswith(":3-unlock"):
            at = datetime.fromisoformat(row["at"])
            yield f"alarm-{rfc3339(at + DAY)}-record-{key}"


def _alarms_of_receipt(receipt: Row, rows: list[Row]) -> Iterator[str]:
    """Name the one alarm of a receipt: its event waits, or it goes when its time is over."""
    key = receipt["RowKey"]
    waiting = [row["RowKey"] for row in rows if row["RowKey"].endswith(f"-erasure-{key}")]
    purge_at = datetime.fromisoformat(receipt["erasedAt"]) + timedelta(seconds=RETENTION_SECONDS)
    yield waiting[0] if waiting else f"alarm-{rfc3339(purge_at)}-record-{key}"


def _flaws_in_ledger(session: Row, rows: list[Row], now: datetime | None) -> Iterator[str]:
    """Hold a session to its start, its slot and its end in its person's ledger."""
    session_id = session["RowKey"].removeprefix("session-")
    if "person" not in session:
        return
    keys = {
        row["RowKey"]: row for row in rows if row["RowKey"].startswith(f"p:{session['person']}:")
    }
    entries = Counter(key.split("-")[2] for key in keys if key.endswith(f"-{session_id}"))
    if entries != Counter(["start", *_endings_of(session)]):
        yield f"{session_id} has left {sorted(entries)}"
    slot = keys.get(f"p:{session['person']}:1-slot-{session.get('slotNumber', -1):02}", {})
    is_open = session["status"] in {"started", "processing"}
    has_slot = now is None or now < datetime.fromisoformat(session["expiresAt"])
    if is_open and has_slot and slot and slot.get("endsAt", "") < session["expiresAt"]:
        yield f"{session_id} has lost its slot"
    if not is_open and slot.get("sessionId") == session_id and _ended_early(session):
        yield f"{session_id} has kept its slot"


def _endings_of(session: Row) -> list[str]:
    if session.get("isCanceledDuringCheck") or session.get("outcome") in {"rejected", "untrusted"}:
        return ["failure"]
    return ["pass"] if session.get("outcome") == "passed" else []


def _ended_early(session: Row) -> bool:
    ended, expires = map(datetime.fromisoformat, (session["endedAt"], session["expiresAt"]))
    return expires - ended > timedelta(seconds=60)


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
