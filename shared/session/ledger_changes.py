"""What a session changes in its person's ledger, as it starts and as it ends."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.session.idempotency import LIFETIME, IdempotencyRecord
from shared.session.ledger import (
    Entry,
    EntryType,
    Ledger,
    Slot,
    entry_type_of_ending,
    may_free_slot,
)
from shared.session.limits import Limits, choose_slot
from shared.session.session import Session
from shared.session.shard import KeyHash

# Each that goes is two rows, and a transaction takes a hundred.
_MAX_OVER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A new session, and what is written to its person's ledger in the same transaction.

    Slot and record have the versions of the rows whose places they take; of nobody, there is none.
    """

    session: Session
    start: Entry | None = None
    slot: Slot | None = None
    record: IdempotencyRecord | None = None
    sealed_answer: str = ""
    # What nobody needs any more.
    over: tuple[IdempotencyRecord, ...] = ()


def start_entry(session: Session) -> Entry:
    """Return what tells that a session has started."""
    return Entry(
        type=EntryType.START,
        kind=session.kind,
        at=session.created_at,
        session_id=session.session_id,
    )


def end_entry(session: Session) -> Entry | None:
    """Return what tells how a session has ended, if that is anything to its person."""
    what = entry_type_of_ending(
        session.verdict.outcome if session.verdict else None,
        is_canceled_during_check=session.is_canceled_during_check,
    )
    if session.ended_at is None or what is None:
        return None
    return Entry(type=what, kind=session.kind, at=session.ended_at, session_id=session.session_id)


def freed_slot(session: Session) -> Slot | None:
    """Return the slot that a session's ending makes free, if it may."""
    if session.slot_number is None or session.ended_at is None:
        return None
    may_free = may_free_slot(session.expires_at, session.ended_at)
    return Slot(number=session.slot_number) if may_free else None


def plan_opening(ledger: Ledger, session: Session, limits: Limits, now: datetime) -> Opening:
    """Find a new session its place in a ledger that refuses nothing."""
    if session.person is None:
        return Opening(session=session)
    slot = choose_slot(ledger, limits, now)
    over = (one for one in ledger.records if one.is_over(now))
    return Opening(
        session=replace(session, slot_number=slot.number if slot else None),
        start=start_entry(session),
        slot=slot and replace(slot, session_id=session.session_id, ends_at=session.expires_at),
        over=tuple(over)[:_MAX_OVER],
    )


def with_answer(
    opening: Opening, ledger: Ledger, key_hash: KeyHash, *, request_hash: str, sealed_answer: str
) -> Opening:
    """Keep the answer, too, for whoever brings the same key."""
    session, known = opening.session, ledger.find_record(key_hash)
    return replace(
        opening,
        session=replace(session, key_hash=key_hash),
        record=IdempotencyRecord(
            key_hash=key_hash,
            request_hash=request_hash,
            session_id=session.session_id,
            ends_at=session.created_at + LIFETIME,
            version=known.version if known else "",
        ),
        sealed_answer=sealed_answer,
    )
