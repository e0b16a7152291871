"""Every key of the table, on one page.

A partition is a shard, so that all rows of one person may change in one transaction. In it are:

session-<session id>                a session
alarm-<due at>-<class>-<owner>      when somebody must next look at a session, and what for; or when
                                    a ledger's row goes for which there is no session: its owner is
                                    the row's key
p:<person hash>:...                 a person's ledger: ledger_keys
receipt-<receipt id>                what an operator may ask about an erasure; of no person
answer-<session id>                 the sealed answer to a session's create
"""

import re
from datetime import datetime

from shared.session.alarm import Alarm, AlarmClass, alarm_class_of
from shared.session.ids import SessionId
from shared.session.session import Session
from shared.session.shard import Shard
from shared.session.timestamps import rfc3339

_SESSION = "session-"
_ALARM = "alarm-"
_RECEIPT = "receipt-"
# Time first, and always as long (2026-11-20T22:00:00.000Z), so that what is due is one range.
_DUE_AT = slice(len(_ALARM), len(_ALARM) + 24)
_OF_NO_SESSION = {AlarmClass.RECORD, AlarmClass.ERASURE}
_ROW_ALARM_KEY = re.compile(
    rf".*?-(?P<word>{AlarmClass.RECORD}|{AlarmClass.ERASURE})-(?P<owner>.*)", re.DOTALL
)


def session_key(session_id: SessionId) -> str:
    """Name the row of a session."""
    return _SESSION + session_id


def session_id_from_key(key: str) -> SessionId:
    """Read whose row a session's row is."""
    return SessionId(key.removeprefix(_SESSION))


def alarm_key(session: Session) -> str:
    """Name the row of a session's alarm."""
    return _alarm_key(session.alarm_at, alarm_class_of(session), session.session_id)


def record_alarm_key(due_at: datetime, row_key: str) -> str:
    """Name the row of the alarm that is due when a row of no session goes."""
    return _alarm_key(due_at, AlarmClass.RECORD, row_key)


def erasure_alarm_key(due_at: datetime, mark_key: str) -> str:
    """Name the row of the alarm by which an erasure is carried on."""
    return _alarm_key(due_at, AlarmClass.ERASURE, mark_key)


def receipt_key(receipt_id: SessionId) -> str:
    """Name the row of the receipt of an erasure."""
    return _RECEIPT + receipt_id


def is_receipt_key(key: str) -> bool:
    """Tell whether a key is that of a receipt."""
    return key.startswith(_RECEIPT)


def receipt_id_from_key(key: str) -> SessionId:
    """Read which receipt a receipt's row is."""
    return SessionId(key.removeprefix(_RECEIPT))


def alarms_range() -> tuple[str, str]:
    """Bound the keys of all alarms."""
    return _ALARM, f"{_ALARM}~"


def later_alarm_key(alarm: Alarm, due_at: datetime) -> str:
    """Name the row of the same alarm at another time."""
    return _alarm_key(due_at, *_class_and_owner(alarm.row_key))


def due_range(now: datetime) -> tuple[str, str]:
    """Bound the keys of all alarms that are due: from the first, up to but without the last."""
    return _ALARM, f"{_ALARM}{rfc3339(now)}~"


def alarm_from_key(shard: Shard, key: str) -> Alarm:
    """Read what an alarm is for, and when: None if not written as we write a class or a time."""
    word, owner = _class_and_owner(key)
    return Alarm(
        shard=shard,
        session_id=None if word in _OF_NO_SESSION else SessionId(owner),
        row_key=key,
        due_at=_due_at(key),
        alarm_class=AlarmClass(word) if word in AlarmClass else None,
    )


def owner_key(alarm: Alarm) -> str:
    """Name the row that an alarm is for."""
    if alarm.session_id is not None:
        return session_key(alarm.session_id)
    return _class_and_owner(alarm.row_key)[1]


def _alarm_key(due_at: datetime, word: str, owner: str) -> str:
    return f"{_ALARM}{rfc3339(due_at)}-{word}-{owner}"


def _class_and_owner(alarm_key: str) -> tuple[str, str]:
    # The key of another row may have hyphens in it, the id of a session has none.
    if found := _ROW_ALARM_KEY.fullmatch(alarm_key):
        return found["word"], found["owner"]
    start, _, owner = alarm_key.rpartition("-")
    return start.rpartition("-")[2], owner


def _due_at(alarm_key: str) -> datetime | None:
    text = alarm_key[_DUE_AT]
    try:
        due_at = datetime.fromisoformat(text)
        return due_at if rfc3339(due_at) == text else None
    except (OverflowError, ValueError):
        return None
