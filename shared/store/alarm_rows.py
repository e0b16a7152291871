"""Alarms as table rows: all that they say is in their keys, but how often one was postponed."""

from collections.abc import Mapping
from datetime import datetime

from shared.errors import UnreadableRecordError
from shared.session.alarm import Alarm
from shared.session.ids import shard_of
from shared.session.session import Session
from shared.store import row_keys
from shared.store.columns import Row, read_column, row_at, write_value

_DELAYS = "setAside"
_SINCE = "setAsideSince"


def alarm_row(session: Session) -> Row:
    """Write a session's alarm."""
    return row_at(shard_of(session.session_id), row_keys.alarm_key(session))


def record_alarm_row(row: Row, due_at: datetime) -> Row:
    """Write the alarm that is due when a row of no session goes."""
    key = row_keys.record_alarm_key(due_at, str(row["RowKey"]))
    return row_at(str(row["PartitionKey"]), key)


def row_of(alarm: Alarm) -> Row:
    """Name the row that an alarm was read from."""
    return row_at(alarm.shard, alarm.row_key)


def later_row(alarm: Alarm, due_at: datetime, *, delays: int, since: datetime) -> Row:
    """Write an alarm anew for later, with how often that was done and since when."""
    later = row_at(alarm.shard, row_keys.later_alarm_key(alarm, due_at))
    return {**later, _DELAYS: delays, _SINCE: write_value(since)}


def delays_from_row(row: Mapping[str, object]) -> int:
    """Read how often an alarm was postponed; what is no number is none."""
    delays = row.get(_DELAYS)
    return delays if isinstance(delays, int) else 0


def since_from_row(row: Mapping[str, object], now: datetime) -> datetime:
    """Read since when an alarm is postponed; from now on where it does not say."""
    try:
        return read_column(row, _SINCE, datetime)
    except UnreadableRecordError:
        return now
