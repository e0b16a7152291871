"""What a session writes to its person's ledger, and what of that goes with the session."""

from collections.abc import Iterator, Mapping

from shared.session.ids import NO_SESSION_ID
from shared.session.ledger_changes import Opening, end_entry, freed_slot, start_entry
from shared.session.session import Session
from shared.session.shard import PersonHash
from shared.store import ledger_rows, row_keys
from shared.store.columns import Row, row_at
from shared.store.table import Operation, delete_op, insert_op, replace_op, upsert_op


def opening_operations(opening: Opening) -> Iterator[Operation]:
    """Write what a start leaves: its slot and its key in the places that they were given."""
    session, record = opening.session, opening.record
    if session.person is None or opening.start is None:
        return
    yield insert_op(ledger_rows.entry_row(session.person, opening.start))
    if opening.slot is not None:
        yield _take_place(ledger_rows.slot_row(session.person, opening.slot), opening.slot.version)
    if record is not None:
        yield _take_place(ledger_rows.record_row(session.person, record), record.version)
        yield insert_op(ledger_rows.answer_row(session.session_id, opening.sealed_answer))
    yield from _remove_what_is_over(opening, session.person)


def ending_operations(session: Session) -> Iterator[Operation]:
    """Write what an ending leaves; whatever there is in its place holds nothing up."""
    if session.person is None:
        return
    if entry := end_entry(session):
        yield upsert_op(ledger_rows.entry_row(session.person, entry))
    if slot := freed_slot(session):
        yield upsert_op(ledger_rows.slot_row(session.person, slot))


def keys_of(session: Session) -> Iterator[str]:
    """Name the rows that may be a session's own in its person's ledger."""
    if session.person is None:
        return
    entries = filter(None, (start_entry(session), end_entry(session)))
    yield from (row_keys.entry_key(session.person, entry) for entry in entries)
    if session.slot_number is not None:
        yield row_keys.slot_key(session.person, session.slot_number)
    if session.key_hash is not None:
        yield row_keys.record_key(session.person, session.key_hash)
        yield row_keys.answer_key(session.session_id)


def is_row_of(row: Mapping[str, object], session: Session) -> bool:
    """Tell whether a row may go with a session: another's slot or key stays."""
    owner = row.get("sessionId")
    return not isinstance(owner, str) or owner == session.session_id


def _take_place(row: Row, version: str) -> Operation:
    return replace_op(row, version) if version else insert_op(row)


def _remove_what_is_over(opening: Opening, person: PersonHash) -> Iterator[Operation]:
    for record in opening.over:
        if opening.record is None or record.key_hash != opening.record.key_hash:
            yield delete_op(ledger_rows.record_row(person, record), record.version)
        if record.session_id != NO_SESSION_ID:
            answer = row_keys.answer_key(record.session_id)
            yield delete_op(row_at(person[0], answer))
