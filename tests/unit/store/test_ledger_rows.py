import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UnreadableRecordError
from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import SessionId, shard_of
from shared.session.ledger import MEMORY, Entry, EntryType, Ledger, Slot, Unlock
from shared.session.limits import Limits, choose_slot, find_refusal
from shared.session.session import Kind, Session
from shared.session.shard import KeyHash, PersonHash
from shared.store import ledger_rows, row_keys
from shared.store.columns import Row
from tests.support.any_records import HASHES, IDS, SESSIONS, TIMES, any_record
from tests.support.builders import NOW, PERSON, SESSION_ID

OTHER_PERSON = PersonHash("9d" * 31 + "9e")
DAY, TICK = timedelta(hours=24), timedelta(milliseconds=1)
VERSION = "W/\"datetime'2026-03-04T05%3A06%3A07Z'\""
LIMITS = Limits(max_open_sessions=1, max_starts_per_hour=1, max_failures=1)

SLOT = Slot(number=7, session_id=SESSION_ID, ends_at=NOW, version=VERSION)
RECORD = IdempotencyRecord(
    key_hash=KeyHash("a" * 64),
    request_hash="b" * 64,
    session_id=SESSION_ID,
    ends_at=NOW,
    version=VERSION,
)
UNLOCK = Unlock(at=NOW, version=VERSION)
ENTRY = Entry(type=EntryType.FAILURE, kind=Kind.LIVENESS, at=NOW, session_id=SESSION_ID)

LAST = datetime(2200, 1, 1, tzinfo=UTC)
PEOPLE = HASHES.map(PersonHash)
VERSIONS = st.just(VERSION)
SLOTS = any_record(Slot, number=st.integers(0, 99), version=VERSIONS)
RECORDS = any_record(IdempotencyRecord, key_hash=HASHES.map(KeyHash), version=VERSIONS)
ENTRIES = any_record(Entry, session_id=IDS)
LEDGERS = st.builds(
    Ledger,
    slots=st.lists(SLOTS, unique_by=lambda one: one.number, max_size=4),
    records=st.lists(RECORDS, unique_by=lambda one: one.key_hash, max_size=4),
    unlock=st.none() | any_record(Unlock, version=VERSIONS),
    entries=st.lists(ENTRIES, unique=True, max_size=6),
)


def rows_of(person: PersonHash, ledger: Ledger) -> list[Row]:
    """Write a ledger, in the order in which a table has its rows."""
    return sorted(_rows_of(person, ledger), key=lambda row: str(row["RowKey"]))


def _rows_of(person: PersonHash, ledger: Ledger) -> Iterator[Row]:
    yield from (ledger_rows.slot_row(person, slot) for slot in ledger.slots)
    yield from (ledger_rows.record_row(person, record) for record in ledger.records)
    if ledger.unlock:
        yield ledger_rows.unlock_row(person, ledger.unlock)
    yield from (ledger_rows.entry_row(person, entry) for entry in ledger.entries)


def read(*rows: Row, person: PersonHash = PERSON, now: datetime = NOW) -> Ledger:
    return ledger_rows.ledger_from_rows(person, [(row, VERSION) for row in rows], now)


@given(person=PEOPLE, ledger=LEDGERS)
def test_a_ledger_comes_back_from_its_rows_as_it_was(person: PersonHash, ledger: Ledger) -> None:
    back = read(*rows_of(person, ledger), person=person, now=LAST)

    assert set(back.slots) == set(ledger.slots)
    assert set(back.records) == set(ledger.records)
    assert set(back.entries) == set(ledger.entries)
    assert (back.unlock, back.unreadable_rows) == (ledger.unlock, 0)


@given(ledger=LEDGERS, now=TIMES, session=SESSIONS)
def test_one_range_is_all_of_a_ledger_but_entries_of_more_than_a_day_ago_and_no_other_row(
    ledger: Ledger, now: datetime, session: Session
) -> None:
    first, last = row_keys.ledger_range(PERSON, now)
    recent = tuple(entry for entry in ledger.entries if entry.at >= now - DAY)
    others = [
        *(str(row["RowKey"]) for row in rows_of(OTHER_PERSON, ledger)),
        row_keys.answer_key(session.session_id),
        row_keys.session_key(session.session_id),
        row_keys.alarm_key(session),
    ]

    found = [row for row in rows_of(PERSON, ledger) if first <= str(row["RowKey"]) < last]
    assert found == rows_of(PERSON, replace(ledger, entries=recent))
    assert not [key for key in others if first <= key < last]


@given(ledger=LEDGERS)
def test_a_range_begins_with_the_slots_and_its_entries_are_the_newest_first(
    ledger: Ledger,
) -> None:
    back = read(*rows_of(PERSON, ledger))
    sections = [str(row["RowKey"]).split(":")[2][0] for row in rows_of(PERSON, ledger)]

    assert sections == sorted(sections)
    assert [slot.number for slot in back.slots] == sorted(slot.number for slot in ledger.slots)
    moments = [entry.at for entry in back.entries]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("at", [NOW - DAY, NOW - DAY + TICK])
def test_an_entry_is_in_the_range_until_it_is_more_than_a_day_old(at: datetime) -> None:
    key = row_keys.entry_key(PERSON, replace(ENTRY, at=at))

    assert key < row_keys.ledger_range(PERSON, NOW)[1]
    assert key >= row_keys.ledger_range(PERSON, at + DAY + TICK)[1]


@given(person=PEOPLE, ledger=LEDGERS, session_id=IDS)
def test_every_row_has_a_key_of_its_own_that_the_table_takes(
    person: PersonHash, ledger: Ledger, session_id: SessionId
) -> None:
    rows = [*rows_of(person, ledger), ledger_rows.answer_row(session_id, "sealed")]
    keys = [str(row["RowKey"]) for row in rows]

    assert len(set(keys)) == len(keys)
    for key in keys:
        # https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
        assert re.fullmatch(r"[A-Za-z0-9:-]{1,512}", key)


@given(person=PEOPLE, ledger=LEDGERS)
def test_a_persons_rows_are_all_in_the_shard_that_their_hash_begins_with(
    person: PersonHash, ledger: Ledger
) -> None:
    assert {row["PartitionKey"] for row in rows_of(person, ledger)} <= {person[0]}


@given(entry=ENTRIES, microseconds=st.integers(0, 999))
def test_the_key_of_an_entry_follows_from_what_its_sessions_row_keeps_of_the_time(
    entry: Entry, microseconds: int
) -> None:
    exact = replace(entry, at=entry.at + timedelta(microseconds=microseconds))

    assert row_keys.entry_key(PERSON, exact) == row_keys.entry_key(PERSON, entry)


def test_a_slot_that_was_freed_is_a_row_of_nothing_but_its_key() -> None:
    row = ledger_rows.slot_row(PERSON, Slot(number=7))

    assert set(row) == {"PartitionKey", "RowKey"}
    assert read(row) == Ledger(slots=(Slot(number=7, version=VERSION),))


def broken(row: Row) -> Iterator[Row]:
    """Give a row with each of its columns as it must not be."""
    for column in row.keys() - {"PartitionKey", "RowKey"}:
        yield from ({**row, column: value} for value in (5, True, 0.5))
        if column.lower().endswith("at"):
            yield from ({**row, column: text} for text in ("soon", "", "2026-03-04T05:06:07"))
            yield {**row, column: "9999-12-31T23:59:59.999Z"}


def without_a_column(row: Row) -> Iterator[Row]:
    for column in row.keys() - {"PartitionKey", "RowKey"}:
        yield {name: value for name, value in row.items() if name != column}


@pytest.mark.parametrize("row", [*broken(ledger_rows.slot_row(PERSON, SLOT))])
def test_a_slot_that_cannot_be_read_is_counted_and_free_to_be_written_anew(row: Row) -> None:
    ledger = read(row)

    assert ledger == Ledger(slots=(Slot(number=7, version=VERSION),), unreadable_rows=1)
    limits = replace(LIMITS, max_open_sessions=8)
    full = replace(ledger, slots=(*ledger.slots, *(open_slot(number) for number in range(7))))
    assert find_refusal(full, limits, NOW) is None
    assert choose_slot(full, limits, NOW) == Slot(number=7, version=VERSION)


def open_slot(number: int) -> Slot:
    return replace(SLOT, number=number, ends_at=NOW + DAY)


def test_the_slot_of_a_token_that_lives_for_a_day_is_read_by_a_host_whose_clock_is_behind() -> None:
    slot = open_slot(7)

    assert read(ledger_rows.slot_row(PERSON, slot), now=NOW - timedelta(hours=1)).slots == (slot,)


ROW = ledger_rows.record_row(PERSON, RECORD)


@pytest.mark.parametrize("row", [*broken(ROW), *without_a_column(ROW)])
def test_a_key_that_cannot_be_read_is_counted_and_over_to_be_written_anew(row: Row) -> None:
    ledger = read(row)
    record = ledger.find_record(RECORD.key_hash)

    assert ledger.unreadable_rows == 1
    assert record is not None
    assert record.is_over(NOW)
    assert record.version == VERSION


UNLOCK_ROW = ledger_rows.unlock_row(PERSON, UNLOCK)


@pytest.mark.parametrize("row", [*broken(UNLOCK_ROW), *without_a_column(UNLOCK_ROW)])
def test_an_unlock_that_cannot_be_read_is_counted_and_unlocks_nothing(row: Row) -> None:
    assert read(row) == Ledger(unreadable_rows=1)


def test_an_unlock_outlives_an_earlier_ones_alarm_and_goes_with_its_own_or_a_nameless_one() -> None:
    over_at = UNLOCK.at + MEMORY
    dues = [over_at - timedelta(milliseconds=1), over_at, None]

    outlives = [ledger_rows.is_unlock_after(UNLOCK_ROW, due_at) for due_at in dues]

    assert outlives == [True, False, False]


INVERTED = "8226400000000"
NO_KEYS = [
    "",
    "1-slot-7",
    "1-slot-007",
    "1-slot-x7",
    "1-slot-\N{ARABIC-INDIC DIGIT ZERO}\N{ARABIC-INDIC DIGIT SEVEN}",
    "2-key",
    "3-unlock-2",
    "4-82264-failure-liveness-5",
    f"4-{INVERTED}-win-liveness-5",
    f"4-{INVERTED}-failure-smile-5",
    f"4-{INVERTED}-failure-liveness",
    "5-more",
    "x:1-slot-07",
]


@pytest.mark.parametrize("key", [*NO_KEYS, f"4-{'0' * 13}-failure-liveness-5"])
def test_a_row_with_a_key_that_is_none_of_ours_is_counted_and_left_out(key: str) -> None:
    strange: Row = {"PartitionKey": PERSON[0], "RowKey": f"p:{PERSON}:{key}"}

    assert read(strange) == Ledger(unreadable_rows=1)


def test_a_row_of_another_person_or_of_no_key_is_counted_and_left_out() -> None:
    others: Row = ledger_rows.slot_row(OTHER_PERSON, SLOT)

    assert read(others, {}, {"RowKey": 5}) == Ledger(unreadable_rows=3)


VALUES = st.one_of(
    st.text(max_size=30),
    st.integers(),
    st.booleans(),
    TIMES.map(lambda at: at.isoformat()),
    st.sampled_from(["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00"]),
)
JUNK = st.fixed_dictionaries(
    {
        "RowKey": st.sampled_from(
            [*NO_KEYS, "1-slot-00", f"2-key-{'a' * 64}", "3-unlock"]
            + [f"4-{at}-failure-liveness-5" for at in ("0" * 13, "9" * 13, INVERTED)]
        ).map(lambda key: f"p:{PERSON}:{key}")
        | VALUES
    },
    optional=dict.fromkeys(("sessionId", "endsAt", "requestHash", "at"), VALUES),
)


@given(junk=st.lists(JUNK, max_size=6), entries=st.lists(ENTRIES, max_size=3))
def test_no_row_whatever_it_holds_hides_the_others_or_stops_a_decision(
    junk: list[Row], entries: list[Entry]
) -> None:
    ledger = read(*junk, *(ledger_rows.entry_row(PERSON, entry) for entry in entries), now=LAST)
    refusal = find_refusal(ledger, LIMITS, NOW)

    assert set(entries) <= set(ledger.entries)
    assert ledger.unreadable_rows <= len(junk)
    assert refusal is None or refusal.retry_after_seconds(NOW) >= 1
    for record in ledger.records:
        record.is_over(NOW)
    assert ledger.unlock is None or ledger.unlock.is_over(NOW) in {True, False}


@given(session_id=IDS, sealed=st.text(max_size=50))
def test_a_sealed_answer_comes_back_from_its_row_in_its_sessions_shard(
    session_id: SessionId, sealed: str
) -> None:
    row = ledger_rows.answer_row(session_id, sealed)

    assert ledger_rows.sealed_answer_from_row(row) == sealed
    assert row["PartitionKey"] == shard_of(session_id)


def test_a_row_without_a_sealed_answer_is_unreadable() -> None:
    row = ledger_rows.answer_row(SESSION_ID, "sealed")

    for other in ({**row, "sealedAnswer": 5}, {"RowKey": row["RowKey"]}):
        with pytest.raises(UnreadableRecordError, match="sealedAnswer"):
            ledger_rows.sealed_answer_from_row(other)
