"""A person's ledger, and the sealed answers of its creates, as table rows and back."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.errors import UnreadableRecordError
from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import NO_SESSION_ID, SessionId, shard_of
from shared.session.ledger import (
    MEMORY,
    Entry,
    EntryType,
    Ledger,
    Slot,
    Unlock,
)
from shared.session.session import Kind
from shared.session.shard import KeyHash, PersonHash
from shared.store.columns import Columns, Row, read_column, row_at
from shared.store.row_keys import (
    EPOCH,
    TIME_DIGITS,
    answer_key,
    entry_key,
    is_number,
    record_key,
    slot_key,
    time_from_key,
    unlock_key,
    words_of_key,
)

_SLOT = Columns(Slot, elsewhere={"number", "version"})
_RECORD = Columns(IdempotencyRecord, elsewhere={"key_hash", "version"})
_UNLOCK = Columns(Unlock, elsewhere={"version"})
_SEALED_ANSWER = "sealedAnswer"
# Tokens and keys last for a day at most; an hour more, so that no host whose clock is behind takes
# what another has just written for unreadable.
_MAX_AHEAD = MEMORY + timedelta(hours=1)


def slot_row(person: PersonHash, slot: Slot) -> Row:
    """Write a slot."""
    return {**_at(person, slot_key(person, slot.number)), **_SLOT.write(slot)}


def record_row(person: PersonHash, record: IdempotencyRecord) -> Row:
    """Write an idempotency key."""
    return {**_at(person, record_key(person, record.key_hash)), **_RECORD.write(record)}


def unlock_row(person: PersonHash, unlock: Unlock) -> Row:
    """Write a person's last unlock."""
    return {**_at(person, unlock_key(person)), **_UNLOCK.write(unlock)}


def entry_row(person: PersonHash, entry: Entry) -> Row:
    """Write an entry, which is all in its key."""
    return _at(person, entry_key(person, entry))


def answer_row(session_id: SessionId, sealed: str) -> Row:
    """Write the sealed answer to a session's create."""
    return {**row_at(shard_of(session_id), answer_key(session_id)), _SEALED_ANSWER: sealed}


def is_unlock_after(row: Mapping[str, object], due_at: datetime | None) -> bool:
    """Tell whether a row is an unlock that still counts at a moment, or later."""
    try:
        at = _UNLOCK.read(row).at
    except UnreadableRecordError:
        return False
    return due_at is not None and at + MEMORY > due_at


def sealed_answer_from_row(row: Mapping[str, object]) -> str:
    """Read a sealed answer; UnreadableRecordError when the row is none of ours."""
    return read_column(row, _SEALED_ANSWER, str)


def ledger_from_rows(
    person: PersonHash, rows: Iterable[tuple[Mapping[str, object], str]], now: datetime
) -> Ledger:
    """Read a ledger from its rows and their versions; what cannot be read is counted."""
    latest = now + _MAX_AHEAD
    parts: list[_Part | None] = []
    unreadable_rows, is_being_erased = 0, False
    for row, version in rows:
        words = words_of_key(person, str(row.get("RowKey")))
        if words == ["3", "erasure"]:
            is_being_erased = True
            continue
        try:
            parts.append(_check_time(_read(words, row, version), latest))
        except (UnreadableRecordError, ValueError):
            unreadable_rows += 1
            parts.append(_read_key_alone(words, version))
    return Ledger(
        slots=tuple(part for part in parts if isinstance(part, Slot)),
        records=tuple(part for part in parts if isinstance(part, IdempotencyRecord)),
        unlock=next((part for part in parts if isinstance(part, Unlock)), None),
        entries=tuple(part for part in parts if isinstance(part, Entry)),
        unreadable_rows=unreadable_rows,
        is_being_erased=is_being_erased,
    )


type _Part = Slot | IdempotencyRecord | Unlock | Entry


def _read(words: list[str], row: Mapping[str, object], version: str) -> _Part:
    match words:
        case ["1", "slot", number] if is_number(number, 2):
            return _SLOT.read(row, number=int(number), version=version)
        case ["2", "key", key_hash]:
            return _RECORD.read(row, key_hash=KeyHash(key_hash), version=version)
        case ["3", "unlock"]:
            return _UNLOCK.read(row, version=version)
        case ["4", at, what, kind, session_id] if is_number(at, TIME_DIGITS):
            return Entry(
                type=EntryType(what),
                kind=Kind(kind),
                at=time_from_key(at),
                session_id=SessionId(session_id),
            )
    raise UnreadableRecordError("a ledger has no such row")


def _check_time(part: _Part, latest: datetime) -> _Part:
    """Refuse a time that we never write: it would shut a person out, or forgive, for good."""
    at = part.ends_at if isinstance(part, Slot | IdempotencyRecord) else part.at
    if at is not None and at > latest:
        raise UnreadableRecordError("a ledger knows of nothing so late")
    return part


def _read_key_alone(words: list[str], version: str) -> _Part | None:
    """Return what stands for a row that cannot be read, so that a create may write it anew."""
    match words:
        case ["1", "slot", number] if is_number(number, 2):
            return Slot(number=int(number), version=version)
        case ["2", "key", key_hash]:
            return IdempotencyRecord(
                key_hash=KeyHash(key_hash),
                request_hash="",
                session_id=NO_SESSION_ID,
                ends_at=EPOCH,
                version=version,
            )
    return None


def _at(person: PersonHash, key: str) -> Row:
    # A person's sessions have ids that begin with the same digit.
    return row_at(person[0], key)
