from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from azure.data.tables import TransactionOperation

from shared.errors import (
    StoreConflictError,
    StoreUnavailableError,
    TooManySessionsError,
    UnreadableRecordError,
)
from shared.session import transitions
from shared.session.ids import SessionId, shard_of
from shared.session.session import Session
from shared.session.shard import Shard
from shared.session.timestamps import rfc3339
from shared.store import alarm_rows, claim_rows, row_keys, session_rows
from shared.store.session_store import TableSessionStore
from shared.store.table import delete_op, insert_op, replace_op
from tests.support.builders import GRACE, NOW, PERSON, SESSION_ID, a_claim, a_session
from tests.support.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.store.table import StorageTable

SESSION = a_session()
COUNTED = a_session(person_sha256=PERSON)
CLAIM = a_claim()
SHARD = shard_of(SESSION_ID)
ANOTHER_ID = SessionId(SHARD + "f" * 32)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def store(table: MemoryTable) -> TableSessionStore:
    return TableSessionStore(cast("StorageTable", table))


async def stored(store: TableSessionStore, session: Session = SESSION) -> Session:
    await store.insert(session, None, max_open_sessions=5)
    found = await store.load(session.session_id)
    assert found is not None
    return found


def keys(table: MemoryTable) -> list[str]:
    return sorted(key for _, key in table.rows)


async def test_a_session_and_all_that_belongs_to_it_are_inserted_in_one_transaction(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(COUNTED, CLAIM, max_open_sessions=5)

    create = TransactionOperation.CREATE
    assert table.commits == [
        [
            (create, session_rows.session_row(COUNTED)),
            (create, alarm_rows.alarm_row(COUNTED)),
            (create, claim_rows.claim_row(CLAIM)),
            (create, alarm_rows.claim_alarm_row(CLAIM)),
            (create, claim_rows.count_row(SHARD, PERSON, 1)),
        ]
    ]


async def test_a_session_of_nobody_is_two_rows(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(SESSION, None, max_open_sessions=5)

    assert keys(table) == [row_keys.alarm_key(SESSION), f"session-{SESSION_ID}"]


async def test_a_session_is_read_with_its_version(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await store.insert(SESSION, None, max_open_sessions=5)

    _, version = table.rows[SHARD, f"session-{SESSION_ID}"]
    assert await store.load(SESSION_ID) == replace(SESSION, version=version)
    assert await store.load(ANOTHER_ID) is None


async def test_strange_rows_are_unreadable(store: TableSessionStore, table: MemoryTable) -> None:
    for key in (f"session-{SESSION_ID}", f"key-{CLAIM.key_hash}", f"person-{PERSON}"):
        table.put({"PartitionKey": SHARD, "RowKey": key, "kind": 5, "openSessions": "five"})

    for read in (
        store.load(SESSION_ID),
        store.load_claim(SHARD, CLAIM.key_hash),
        store.count_open_sessions(SHARD, PERSON),
        store.insert(
            a_session(session_id=ANOTHER_ID, person_sha256=PERSON), None, max_open_sessions=5
        ),
    ):
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


async def test_a_session_is_purged_with_its_alarm_if_it_is_as_it_was_read(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    changed = await store.replace(before, transitions.canceled(before, NOW))

    with pytest.raises(StoreConflictError):
        await store.purge(before)
    await store.purge(changed)

    assert table.rows == {}


@pytest.mark.parametrize("operation", ["insert", "replace", "purge", "drop_claim", "end_claim"])
async def test_a_table_that_cannot_be_written_is_unavailable(
    operation: str, store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    table.faults.fail_next("commit", StoreUnavailableError("down"))
    alarm = row_keys.alarm_from_key(SHARD, "alarm-x-record-y")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "insert": lambda: store.insert(a_session(session_id=ANOTHER_ID), None, max_open_sessions=5),
        "replace": lambda: store.replace(before, transitions.canceled(before, NOW)),
        "purge": lambda: store.purge(before),
        "drop_claim": lambda: store.drop_claim(CLAIM),
        "end_claim": lambda: store.end_claim(alarm),
    }

    with pytest.raises(StoreUnavailableError):
        await calls[operation]()


# The count of a person's open sessions.


def another(number: int) -> Session:
    return replace(COUNTED, session_id=SessionId(f"{SHARD}{number:032x}"))


async def counted(store: TableSessionStore) -> int:
    return await store.count_open_sessions(SHARD, PERSON)


async def test_a_person_at_the_cap_gets_no_further_session(
    store: TableSessionStore, table: MemoryTable
) -> None:
    for number in range(5):
        await stored(store, another(number))
    commits = len(table.commits)

    with pytest.raises(TooManySessionsError):
        await store.insert(another(5), None, max_open_sessions=5)

    assert len(table.commits) == commits
    await store.insert(another(5), None, max_open_sessions=6)
    await store.insert(another(6), None, max_open_sessions=0)
    assert await counted(store) == 7


async def test_a_session_that_was_never_counted_releases_nothing(
    store: TableSessionStore,
) -> None:
    await stored(store, another(1))
    before = await stored(store)
    await store.replace(before, transitions.canceled(before, NOW))

    assert await counted(store) == 1


async def test_a_count_that_is_missing_does_not_hold_up_an_ending(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store, COUNTED)
    del table.rows[SHARD, f"person-{PERSON}"]

    assert (await store.replace(before, transitions.canceled(before, NOW))).is_final


async def test_a_start_gives_up_on_a_count_that_never_stands_still(
    store: TableSessionStore, table: MemoryTable
) -> None:
    table.faults.fail_next("commit", *[StoreConflictError("changed since")] * 15)

    with pytest.raises(StoreConflictError, match="kept changing"):
        await store.insert(COUNTED, None, max_open_sessions=5)

    await store.insert(COUNTED, None, max_open_sessions=5)


async def test_an_ending_gives_up_on_a_count_that_never_stands_still(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store, COUNTED)
    table.faults.fail_next("commit", *[StoreConflictError("changed since")] * 10)

    with pytest.raises(StoreConflictError, match="kept changing"):
        await store.replace(before, transitions.canceled(before, NOW))


async def test_a_lost_race_for_the_session_is_not_tried_again(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store, COUNTED)
    await store.replace(before, transitions.processing(before, NOW))
    commits = len(table.commits)

    with pytest.raises(StoreConflictError):
        await store.replace(before, transitions.canceled(before, NOW))

    assert len(table.commits) == commits + 1
    assert await counted(store) == 1


async def test_an_insert_that_the_sdk_repeated_is_a_conflict_and_counts_once(
    store: TableSessionStore, table: MemoryTable
) -> None:
    table.faults.drop_responses("commit", StoreConflictError("there already: our own"))

    with pytest.raises(StoreConflictError):
        await store.insert(COUNTED, CLAIM, max_open_sessions=5)

    assert await counted(store) == 1
    assert await store.load(SESSION_ID) is not None


# Idempotency keys.


@pytest.mark.parametrize("person", [None, PERSON], ids=["nobody", "somebody"])
async def test_a_key_that_is_taken_opens_no_second_session(
    person: str | None, store: TableSessionStore
) -> None:
    first, second = (
        a_session(session_id=one, person_sha256=person) for one in (SESSION_ID, ANOTHER_ID)
    )
    await store.insert(first, CLAIM, max_open_sessions=5)

    with pytest.raises(StoreConflictError):
        await store.insert(second, replace(CLAIM, session_id=ANOTHER_ID), max_open_sessions=5)

    assert await store.load(ANOTHER_ID) is None
    assert await counted(store) == (1 if person else 0)


async def test_a_key_goes_with_its_alarm_and_leaves_its_session(
    store: TableSessionStore, table: MemoryTable
) -> None:
    for end in ("drop", "alarm"):
        table.rows.clear()
        await store.insert(SESSION, CLAIM, max_open_sessions=5)
        claim = await store.load_claim(SHARD, CLAIM.key_hash)
        due = await store.list_due(SHARD, CLAIM.ends_at, limit=9)
        (alarm,) = [one for one in due if not one.session_id]
        assert claim is not None
        await (store.drop_claim(claim) if end == "drop" else store.end_claim(alarm))

        assert keys(table) == [row_keys.alarm_key(SESSION), f"session-{SESSION_ID}"]
        for again in (store.drop_claim(claim), store.end_claim(alarm)):
            with pytest.raises(StoreConflictError):
                await again


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
        await store.postpone_unreadable(alarm, now)
        (later,) = await store.list_due(SHARD, now + timedelta(days=1), limit=9)
        assert later.due_at is not None
        minutes.append((later.due_at - now) / timedelta(minutes=1))
        now = later.due_at

    assert minutes == [2, 4, 8, 16, 32, 60, 60]
    row, _ = table.rows[SHARD, f"session-{SESSION_ID}"]
    assert (row["status"], row["alarmAt"]) == ("unheard of", rfc3339(now))
    assert len(table.rows) == 2


async def test_a_row_that_can_be_read_again_has_its_one_alarm(
    store: TableSessionStore, table: MemoryTable
) -> None:
    before = await stored(store)
    (alarm,) = await store.list_due(SHARD, before.alarm_at, limit=9)
    await store.postpone_unreadable(alarm, before.alarm_at)
    mended = await store.load(SESSION_ID)

    assert mended is not None
    assert mended == replace(
        before, alarm_at=before.alarm_at + timedelta(minutes=2), version=mended.version
    )
    await store.purge(mended)
    assert table.rows == {}


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


async def test_an_alarm_without_its_row_is_removed(
    store: TableSessionStore, table: MemoryTable
) -> None:
    table.put(alarm_rows.alarm_row(SESSION))
    (alarm,) = await store.list_due(SHARD, SESSION.alarm_at, limit=9)
    await store.postpone_unreadable(alarm, SESSION.alarm_at)

    assert table.rows == {}


async def test_a_store_closes_its_table(store: TableSessionStore, table: MemoryTable) -> None:
    await store.close()

    assert table.closed
