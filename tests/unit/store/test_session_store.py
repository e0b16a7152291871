from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from azure.data.tables import TransactionOperation

from shared.errors import (
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.session import transitions
from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import SessionId, shard_of
from shared.session.ledger import EntryType, Slot, Unlock
from shared.session.ledger_changes import start_entry
from shared.session.session import Outcome, Session, Verdict
from shared.session.shard import KeyHash, Shard
from shared.session.timestamps import rfc3339
from shared.store import alarm_rows, ledger_rows, row_keys, session_rows
from shared.store.session_store import TableSessionStore
from shared.store.table import delete_op, insert_op, replace_op
from tests.support.builders import GRACE, NOW, PERSON, SESSION_ID, a_session, an_opening
from tests.support.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.store.table import StorageTable

SESSION = a_session()
OWNED = a_session(person=PERSON)
RECORD = IdempotencyRecord(
    key_hash=KeyHash("c1" * 32), request_hash="4e" * 32, session_id=SESSION_ID, ends_at=NOW
)
OPENING = replace(
    an_opening(replace(OWNED, key_hash=RECORD.key_hash), slot=0),
    record=RECORD,
    sealed_answer="sealed",
)
SHARD = shard_of(SESSION_ID)
ANOTHER_ID = SessionId(SHARD + "f" * 32)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def store(table: MemoryTable) -> TableSessionStore:
    return TableSessionStore(cast("StorageTable", table))


async def stored(store: TableSessionStore, session: Session = SESSION) -> Session:
    await store.insert(an_opening(session))
    found = await store.load(session.session_id)
    assert found is not None
    return found


async def stored_as(store: TableSessionStore) -> Session:
    found = await store.load(SESSION_ID)
    assert found is not None
    return found


def keys(table: MemoryTable) -> list[str]:
    return sorted(key for _, key in table.rows)


async def test_a_session_and_all_that_belongs_to_it_are_inserted_in_one_transaction(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(OPENING)

    create = TransactionOperation.CREATE
    assert table.commits == [
        [
            (create, session_rows.session_row(OPENING.session)),
            (create, alarm_rows.alarm_row(OPENING.session)),
            (create, ledger_rows.entry_row(PERSON, start_entry(OPENING.session))),
            (create, ledger_rows.slot_row(PERSON, cast("Slot", OPENING.slot))),
            (create, ledger_rows.record_row(PERSON, RECORD)),
            (create, ledger_rows.answer_row(SESSION_ID, "sealed")),
        ]
    ]


async def test_a_session_of_nobody_is_two_rows(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(an_opening(SESSION))

    assert keys(table) == [row_keys.alarm_key(SESSION), f"session-{SESSION_ID}"]


async def test_strange_rows_are_unreadable(store: TableSessionStore, table: MemoryTable) -> None:
    for key in (f"session-{SESSION_ID}", f"answer-{SESSION_ID}"):
        table.put({"PartitionKey": SHARD, "RowKey": key, "kind": 5})

    for read in (store.load(SESSION_ID), store.load_sealed_answer(SESSION_ID)):
        with pytest.raises(UnreadableRecordError):
            await read


async def test_an_alarm_moves_with_its_session_if_that_is_as_it_was_read(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    after = transitions.processing(before, NOW)

    changed = await store.replace(before, after)

    assert table.commits[-1] == [
        replace_op(session_rows.session_row(after), before.version),
        delete_op(alarm_rows.alarm_row(before)),
        insert_op(alarm_rows.alarm_row(after)),
    ]
    assert changed == await store.load(SESSION_ID)
    with pytest.raises(StoreConflictError):
        await store.replace(before, after)


async def test_an_alarm_that_stays_is_not_touched(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    await store.replace(before, transitions.reopened(before, GRACE))

    assert len(table.commits[-1]) == 1
    with pytest.raises(StoreConflictError):
        await store.purge(before)


@pytest.mark.parametrize(
    "operation", ["insert", "replace", "purge", "record_start", "record_unlock", "end_record"]
)
async def test_a_table_that_cannot_be_written_is_unavailable(
    operation: str, store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    table.faults.fail_next("commit", StoreUnavailableError("down"))
    alarm = row_keys.alarm_from_key(SHARD, "alarm-x-record-y")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "insert": lambda: store.insert(an_opening(a_session(session_id=ANOTHER_ID))),
        "replace": lambda: store.replace(before, transitions.canceled(before, NOW)),
        "purge": lambda: store.purge(before),
        "record_start": lambda: store.record_start(PERSON, start_entry(SESSION)),
        "record_unlock": lambda: store.record_unlock(PERSON, Unlock(at=NOW)),
        "end_record": lambda: store.end_record(alarm),
    }

    with pytest.raises(StoreUnavailableError):
        await calls[operation]()


# A person's ledger.


async def slots(store: TableSessionStore) -> list[str | None]:
    return [slot.session_id for slot in (await store.load_ledger(PERSON, NOW)).slots]


async def test_an_ending_writes_its_entry_and_frees_its_slot_in_its_own_transaction(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(an_opening(OWNED, slot=0))
    before = await stored_as(store)
    spoof = Verdict(outcome=Outcome.REJECTED)
    commits = len(table.commits)

    await store.replace(before, transitions.completed(before, spoof, NOW))

    assert (len(table.commits) - commits, len(table.commits[-1])) == (1, 5)
    assert await slots(store) == [None]
    entries = (await store.load_ledger(PERSON, NOW)).entries
    assert {entry.type for entry in entries} == {EntryType.START, EntryType.FAILURE}


async def test_an_ending_near_its_tokens_end_leaves_the_slot_alone(
    store: TableSessionStore,
) -> None:
    await store.insert(an_opening(OWNED, slot=0))
    before = await stored_as(store)

    at = before.expires_at - timedelta(seconds=60)
    await store.replace(before, transitions.canceled(before, at))

    assert await slots(store) == [SESSION_ID]


async def test_a_purge_takes_all_that_is_the_sessions_own_and_leaves_what_is_anothers(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(OPENING)
    before = await stored_as(store)
    other = Slot(number=0, session_id=ANOTHER_ID, ends_at=NOW)
    kept = [
        ledger_rows.slot_row(PERSON, other),
        ledger_rows.record_row(PERSON, replace(RECORD, session_id=ANOTHER_ID)),
    ]
    for row in kept:
        table.put(row)

    await store.purge(before)

    assert [row for row, _ in table.rows.values()] == kept


async def test_an_insert_that_the_sdk_repeated_is_a_conflict_and_counts_once(
    store: TableSessionStore, table: MemoryTable
) -> None:
    table.faults.drop_responses("commit", StoreConflictError("there already: our own"))

    with pytest.raises(StoreConflictError):
        await store.insert(OPENING)

    assert await slots(store) == [SESSION_ID]
    assert await store.load(SESSION_ID) is not None


async def test_without_limit_or_key_a_session_is_three_rows_and_in_the_end_none(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(an_opening(OWNED))
    assert len(table.rows) == 3

    before = await stored_as(store)
    await store.purge(await store.replace(before, transitions.canceled(before, NOW)))

    assert table.rows == {}


# Alarms.


async def test_an_alarm_whose_row_cannot_be_read_rings_later_and_later(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await stored(store)
    row, _ = table.rows[SHARD, f"session-{SESSION_ID}"]
    table.put({**row, "status": "unheard of"})
    minutes, now = [], SESSION.alarm_at
    for _ in range(7):
        (alarm,) = await store.list_due(SHARD, now, limit=9)
        await store.postpone_unreadable(alarm, now, timedelta(days=9))
        (later,) = await store.list_due(SHARD, now + timedelta(days=1), limit=9)
        assert later.due_at is not None
        minutes.append((later.due_at - now) / timedelta(minutes=1))
        now = later.due_at

    assert minutes == [2, 4, 8, 16, 32, 60, 60]
    row, _ = table.rows[SHARD, f"session-{SESSION_ID}"]
    assert (row["status"], row["alarmAt"]) == ("unheard of", rfc3339(now))
    assert len(table.rows) == 2


@pytest.mark.parametrize("since", [rfc3339(SESSION.alarm_at), "some day"])
async def test_a_row_that_nobody_can_read_goes_once_it_was_kept_long_enough(
    since: str, store: TableSessionStore, table: MemoryTable
) -> None:
    await stored(store)
    (alarm,) = await store.list_due(SHARD, SESSION.alarm_at, limit=9)
    table.put({**alarm_rows.row_of(alarm), "setAsideSince": since})
    table.put({"PartitionKey": SHARD, "RowKey": f"answer-{SESSION_ID}"})
    is_known, now = since != "some day", SESSION.alarm_at + timedelta(days=9)

    await store.postpone_unreadable(alarm, now, timedelta(days=9))

    # Without a day to count from, it counts from now on.
    assert len(table.rows) == (0 if is_known else 3)


async def test_an_orphaned_alarm_is_adopted_by_the_session_that_lacks_its_own(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    del table.rows[SHARD, row_keys.alarm_key(before)]
    orphan = replace(before, alarm_at=before.alarm_at - timedelta(hours=1))
    table.put(alarm_rows.alarm_row(orphan))

    adopted = await store.adopt_alarm(
        before, row_keys.alarm_from_key(SHARD, row_keys.alarm_key(orphan))
    )

    assert adopted == await store.load(SESSION_ID)
    assert replace(adopted, version=before.version) == orphan
    await store.purge(adopted)
    assert table.rows == {}


async def test_an_adopted_alarm_is_for_what_the_session_has_come_to(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    orphan = f"alarm-{rfc3339(NOW)}-purge-{SESSION_ID}"
    table.put({"PartitionKey": SHARD, "RowKey": orphan})
    del table.rows[SHARD, row_keys.alarm_key(before)]

    adopted = await store.adopt_alarm(before, row_keys.alarm_from_key(SHARD, orphan))

    assert adopted.alarm_at == NOW
    assert keys(table) == [row_keys.alarm_key(adopted), f"session-{SESSION_ID}"]


@pytest.mark.parametrize(
    ("shard", "time", "lost"),
    [
        pytest.param(SHARD, rfc3339(NOW), [], id="a-second-one"),
        pytest.param(Shard("8"), rfc3339(NOW), [row_keys.alarm_key(SESSION)], id="another-shards"),
        pytest.param(SHARD, "soon", [row_keys.alarm_key(SESSION)], id="one-without-a-time"),
    ],
)
async def test_an_orphaned_alarm_that_cannot_be_the_sessions_own_goes(
    shard: Shard, time: str, lost: list[str], store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    for key in lost:
        del table.rows[SHARD, key]
    kept, key = dict(table.rows), f"alarm-{time}-open-{SESSION_ID}"
    table.put({"PartitionKey": shard, "RowKey": key})

    with pytest.raises(StoreConflictError):
        await store.adopt_alarm(before, row_keys.alarm_from_key(shard, key))

    assert table.rows == kept


async def test_a_store_closes_its_table(store: TableSessionStore, table: MemoryTable) -> None:
    await store.close()

    assert table.closed
