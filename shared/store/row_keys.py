"""Every key of the table, on one page.

A partition is a shard, so that all rows of one person may change in one transaction. In it are:

session-<session id>                a session
alarm-<due at>-<class>-<owner>      when somebody must next look at a session, and what for; or when
                                    a ledger's row goes for which there is no session: its owner is
                                    the row's key
receipt-<receipt id>                what an operator may ask about an erasure; of no person
answer-<session id>                 the sealed answer to a session's create

and a person's ledger, in this order, so that one range from the first slot to a day ago is all
that a create must know of a person; sealed answers lie apart from it:

p:<person hash>:1-slot-<number>     an open session
p:<person hash>:2-key-<key hash>    an idempotency key
p:<person hash>:3-erasure           the mark of an erasure
p:<person hash>:3-unlock            the last unlock
p:<person hash>:4-<time, inverted>-<type>-<kind>-<session id>
                                    an entry, the newest first
"""

import re
from datetime import UTC, datetime, timedelta

from shared.session.alarm import Alarm, AlarmClass, alarm_class_of
from shared.session.ids import SessionId
from shared.session.ledger import MEMORY, Entry, EntryType
from shared.session.session import Session
from shared.session.shard import KeyHash, PersonHash, Shard
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

EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
# In the year 2286; the later a time, the lower its number.
_LAST_MILLISECOND = 9_999_999_999_999
TIME_DIGITS = 13


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


def slot_key(person: PersonHash, number: int) -> str:
    """Name the row of a slot, of which there are at most a hundred."""
    return f"p:{person}:1-slot-{number:02}"


def record_key(person: PersonHash, key_hash: KeyHash) -> str:
    """Name the row of an idempotency key."""
    return f"p:{person}:2-key-{key_hash}"


def unlock_key(person: PersonHash) -> str:
    """Name the row of a person's last unlock."""
    return f"p:{person}:3-unlock"


def mark_key(person: PersonHash) -> str:
    """Name the row that tells that a person is being erased."""
    return f"p:{person}:3-erasure"


def person_of_mark(key: str) -> PersonHash:
    """Read who is being erased from the key of a mark."""
    return PersonHash(key.split(":")[1])


def entry_key(person: PersonHash, entry: Entry) -> str:
    """Name the row of an entry: all that it says, to the millisecond."""
    what = f"{_invert(entry.at)}-{entry.type}-{entry.kind}-{entry.session_id}"
    return f"p:{person}:4-{what}"


def answer_key(session_id: SessionId) -> str:
    """Name the row of the answer to a session's create."""
    return f"answer-{session_id}"


def ledger_range(person: PersonHash, now: datetime) -> tuple[str, str]:
    """Bound the keys of a person's ledger: from the first, up to but without the last."""
    return f"p:{person}:1", f"p:{person}:4-{_invert(now - MEMORY)}~"


def list_range(person: PersonHash, after: str | None) -> tuple[str, str]:
    """Bound the keys of all entries, or of those behind a place in them, however old."""
    first = f"p:{person}:4-" if after is None else f"p:{person}:{after}!"
    return first, f"p:{person}:4~"


def session_of_start(person: PersonHash, key: str) -> SessionId | None:
    """Name the session whose start a key tells of, if it tells of a start."""
    match words_of_key(person, key):
        case ["4", _, EntryType.START, _, session_id]:
            return SessionId(session_id)
    return None


def place_of(person: PersonHash, key: str) -> str:
    """Say where in a person's ledger a key is, without the person."""
    return key.removeprefix(f"p:{person}:")


def time_from_key(inverted: str) -> datetime:
    """Read the time in a key."""
    return EPOCH + (_LAST_MILLISECOND - int(inverted)) * _MILLISECOND


def words_of_key(person: PersonHash, key: str) -> list[str]:
    """Take a key apart, from behind its person."""
    return place_of(person, key).split("-")


def is_number(text: str, digits: int) -> bool:
    """Tell whether a text is a number of so many digits."""
    return len(text) == digits and text.isascii() and text.isdigit()


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


def _invert(moment: datetime) -> str:
    return f"{_LAST_MILLISECOND - (moment - EPOCH) // _MILLISECOND:0{TIME_DIGITS}}"
