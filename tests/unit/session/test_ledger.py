from datetime import timedelta

import pytest

from shared.session.idempotency import IdempotencyRecord
from shared.session.ledger import (
    EntryType,
    Ledger,
    Slot,
    Unlock,
    entry_type_of_ending,
    may_free_slot,
)
from shared.session.session import Outcome
from shared.session.shard import KeyHash
from tests.support.builders import NOW, SESSION_ID

SECOND = timedelta(seconds=1)
TICK = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("outcome", "left_behind"),
    [
        (Outcome.PASSED, EntryType.PASS),
        (Outcome.REJECTED, EntryType.FAILURE),
        (Outcome.UNTRUSTED, EntryType.FAILURE),
        (Outcome.INCONCLUSIVE, None),
        (None, None),
    ],
)
def test_rejected_and_untrusted_are_failures_and_inconclusive_or_no_outcome_is_neither(
    outcome: Outcome | None, left_behind: EntryType | None
) -> None:
    assert entry_type_of_ending(outcome, is_canceled_during_check=False) is left_behind


def test_a_cancel_during_a_check_is_a_failure_and_any_other_cancel_is_none() -> None:
    assert entry_type_of_ending(None, is_canceled_during_check=True) is EntryType.FAILURE
    assert entry_type_of_ending(None, is_canceled_during_check=False) is None


def test_a_slot_is_open_until_its_token_ends_and_needs_nobody_to_end_it() -> None:
    slot = Slot(number=0, session_id=SESSION_ID, ends_at=NOW)

    assert slot.is_open(NOW - TICK)
    assert not slot.is_open(NOW)
    assert not Slot(number=0).is_open(NOW)


def test_an_ending_leaves_a_slot_alone_that_another_clock_may_have_given_away() -> None:
    assert may_free_slot(NOW + 61 * SECOND, NOW)
    assert not may_free_slot(NOW + 60 * SECOND, NOW)
    assert not may_free_slot(NOW - SECOND, NOW)


def test_a_record_of_a_key_is_found_by_its_hash_and_is_over_at_its_end() -> None:
    record = IdempotencyRecord(
        key_hash=KeyHash("a" * 64), request_hash="b" * 64, session_id=SESSION_ID, ends_at=NOW
    )
    ledger = Ledger(records=(record,))

    assert ledger.find_record(KeyHash("a" * 64)) is record
    assert ledger.find_record(KeyHash("b" * 64)) is None
    assert (record.is_over(NOW - TICK), record.is_over(NOW)) == (False, True)


def test_an_unlock_is_over_when_all_that_it_forgives_is_a_day_old() -> None:
    unlock = Unlock(at=NOW - timedelta(hours=24))

    assert (unlock.is_over(NOW - TICK), unlock.is_over(NOW)) == (False, True)


def test_what_a_ledger_shows_of_itself_names_no_key_and_no_request() -> None:
    record = IdempotencyRecord(
        key_hash=KeyHash("a" * 64), request_hash="b" * 64, session_id=SESSION_ID, ends_at=NOW
    )

    assert "a" * 64 not in repr(Ledger(records=(record,)))
    assert "b" * 64 not in repr(Ledger(records=(record,)))
