"""The keys of a person's ledger, and of the sealed answers of its creates."""

from datetime import UTC, datetime, timedelta

from shared.session.ids import SessionId
from shared.session.ledger import MEMORY, Entry, EntryType
from shared.session.shard import KeyHash, PersonHash

# In a person's partition, in this order, so that one range from the first slot to a day
# ago is all that a create must know of a person; sealed answers lie apart from it:
#
# p:<person hash>:1-slot-<number>                                an open session
# p:<person hash>:2-key-<key hash>                               an idempotency key
# p:<person hash>:3-erasure                                      the mark of an erasure
# p:<person hash>:3-unlock                                       the last unlock
# p:<person hash>:4-<time, inverted>-<type>-<kind>-<session id>  an entry, the newest first
# answer-<session id>                                            the answer to a session's create

EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
# In the year 2286; the later a time, the lower its number.
_LAST_MILLISECOND = 9_999_999_999_999
TIME_DIGITS = 13


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


def _invert(moment: datetime) -> str:
    return f"{_LAST_MILLISECOND - (moment - EPOCH) // _MILLISECOND:0{TIME_DIGITS}}"


def time_from_key(inverted: str) -> datetime:
    """Read the time in a key."""
    return EPOCH + (_LAST_MILLISECOND - int(inverted)) * _MILLISECOND


def words_of_key(person: PersonHash, key: str) -> list[str]:
    """Take a key apart, from behind its person."""
    return place_of(person, key).split("-")


def is_number(text: str, digits: int) -> bool:
    """Tell whether a text is a number of so many digits."""
    return len(text) == digits and text.isascii() and text.isdigit()
