import asyncio
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
from shared.session.alarm import Alarm
from shared.session.idempotency import KeyHash
from shared.session.ids import SessionId, shard_of
from shared.session.session import Session
from shared.session.timestamps import rfc3339
from shared.store import alarm_rows, claim_rows, row_keys, session_rows
from shared.store.session_store import TableSessionStore
from shared.store.table import delete_op, insert_op, replace_op
from tests.support.builders import GRACE, NOW, PERSON, RETENTION, SESSION_ID, a_claim, a_session
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
        store.open_sessions(SHARD, PERSON),
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
    alarm = Alarm(shard=SHARD, session_id=None, row_key="alarm-x-key-y", due_at=None)
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
    return await store.open_sessions(SHARD, PERSON)


async def test_a_count_goes_up_with_each_start_and_down_with_each_ending(
    store: TableSessionStore, table: MemoryTable
) -> None:
    sessions = [await stored(store, another(number)) for number in range(3)]
    counts = [await counted(store)]
    for session in sessions:
        await store.replace(session, transitions.canceled(session, NOW))
        counts.append(await counted(store))

    assert counts == [3, 2, 1, 0]
    assert f"person-{PERSON}" not in keys(table)


async def test_a_count_is_released_once_and_by_an_ending_only(store: TableSessionStore) -> None:
    first, _ = [await stored(store, another(number)) for number in range(2)]
    counts = []
    steps: list[Callable[[Session], Session]] = [
        lambda one: transitions.processing(one, NOW),
        lambda one: transitions.postponed(one, NOW),
        lambda one: transitions.abandoned(one, NOW),
        lambda one: transitions.postponed(one, NOW),
        lambda one: transitions.face_data_deleted(one, RETENTION),
    ]
    for step in steps:
        first = await store.replace(first, step(first))
        counts.append(await counted(store))
    await store.purge(first)
    counts.append(await counted(store))

    assert counts == [2, 2, 1, 1, 1, 1]


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


async def test_of_many_inserts_at_once_exactly_as_many_as_may_be_succeed(
    store: TableSessionStore,
) -> None:
    done = await asyncio.gather(
        *(store.insert(another(number), None, max_open_sessions=5) for number in range(20)),
        return_exceptions=True,
    )

    assert [type(error) for error in done if error] == [TooManySessionsError] * 15
    assert await counted(store) == 5


async def test_endings_at_the_same_moment_are_all_released(store: TableSessionStore) -> None:
    sessions = [await stored(store, another(number)) for number in range(5)]
    await asyncio.gather(
        *(store.replace(session, transitions.canceled(session, NOW)) for session in sessions)
    )

    assert await counted(store) == 0


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


async def test_a_key_is_read_as_it_was_written(store: TableSessionStore) -> None:
    await store.insert(SESSION, CLAIM, max_open_sessions=5)
    found = await store.load_claim(SHARD, CLAIM.key_hash)

    assert found is not None
    assert found == replace(CLAIM, version=found.version)
    assert await store.load_claim(SHARD, KeyHash("0" * 64)) is None


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
        (alarm,) = [one async for one in store.list_due(SHARD, CLAIM.ends_at) if not one.session_id]
        assert claim is not None
        await (store.drop_claim(claim) if end == "drop" else store.end_claim(alarm))

        assert keys(table) == [row_keys.alarm_key(SESSION), f"session-{SESSION_ID}"]
        for again in (store.drop_claim(claim), store.end_claim(alarm)):
            with pytest.raises(StoreConflictError):
                await again


async def test_the_alarm_of_an_old_key_does_not_end_a_new_one(store: TableSessionStore) -> None:
    await store.insert(SESSION, CLAIM, max_open_sessions=5)
    (alarm,) = [one async for one in store.list_due(SHARD, CLAIM.ends_at) if not one.session_id]
    claim = await store.load_claim(SHARD, CLAIM.key_hash)
    assert claim is not None
    await store.drop_claim(claim)
    later = replace(CLAIM, ends_at=CLAIM.ends_at + timedelta(hours=24), session_id=ANOTHER_ID)
    await store.insert(a_session(session_id=ANOTHER_ID), later, max_open_sessions=5)

    with pytest.raises(StoreConflictError):
        await store.end_claim(alarm)
    assert await store.load_claim(SHARD, CLAIM.key_hash) is not None


# Alarms.


async def test_alarms_that_rang_are_listed_the_oldest_first(store: TableSessionStore) -> None:
    sessions = [
        a_session(session_id=f"{SHARD}{9 - number:032x}", alarm_at=NOW + timedelta(seconds=number))
        for number in range(4)
    ]
    for session in reversed(sessions):
        await store.insert(session, None, max_open_sessions=5)
    due = [alarm async for alarm in store.list_due(SHARD, NOW + timedelta(seconds=2))]

    assert due == [
        Alarm(
            shard=SHARD,
            session_id=session.session_id,
            row_key=row_keys.alarm_key(session),
            due_at=session.alarm_at,
        )
        for session in sessions[:3]
    ]


async def test_an_alarm_whose_row_cannot_be_read_rings_later_and_later(
    store: TableSessionStore, table: MemoryTable
) -> None:
    await stored(store)
    row, _ = table.rows[SHARD, f"session-{SESSION_ID}"]
    table.put({**row, "status": "unheard of"})
    minutes, now = [], SESSION.alarm_at
    for _ in range(7):
        (alarm,) = [one async for one in store.list_due(SHARD, now)]
        await store.postpone_unreadable(alarm, now)
        (later,) = [one async for one in store.list_due(SHARD, now + timedelta(days=1))]
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
    (alarm,) = [one async for one in store.list_due(SHARD, before.alarm_at)]
    await store.postpone_unreadable(alarm, before.alarm_at)
    mended = await store.load(SESSION_ID)

    assert mended is not None
    assert mended == replace(
        before, alarm_at=before.alarm_at + timedelta(minutes=2), version=mended.version
    )
    await store.purge(mended)
    assert table.rows == {}


async def test_an_alarm_without_its_row_is_removed(
    store: TableSessionStore, table: MemoryTable
) -> None:
    table.put(alarm_rows.alarm_row(SESSION))
    (alarm,) = [one async for one in store.list_due(SHARD, SESSION.alarm_at)]
    await store.postpone_unreadable(alarm, SESSION.alarm_at)

    assert table.rows == {}


async def test_a_store_closes_its_table(store: TableSessionStore, table: MemoryTable) -> None:
    await store.close()

    assert table.closed


def test_what_is_purged_had_been_kept_for_its_retention() -> None:
    ended = transitions.face_data_deleted(transitions.canceled(SESSION, NOW), RETENTION)

    assert row_keys.due_range(NOW + RETENTION)[1] > row_keys.alarm_key(ended)
    assert row_keys.due_range(NOW)[1] < row_keys.alarm_key(ended)
