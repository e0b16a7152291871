"""One contract, two tables: in memory, on Azurite.

What the tests in memory rest on, and what runs in Azure, must behave the same.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from local.stack.stack import Stack
from shared.errors import StoreConflictError, StoreUnavailableError
from shared.flow.ports import SessionStore
from shared.secret import Secret
from shared.session import transitions
from shared.session.alarm import Alarm, AlarmClass
from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import SessionId
from shared.session.ledger import Ledger, Unlock
from shared.session.ledger_changes import Opening, start_entry
from shared.session.session import Outcome, Reason, Report, Session, Status, Verdict
from shared.session.shard import KeyHash, PersonHash, Shard
from shared.store import alarm_rows, row_keys
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.builders import NOW, PERSON, RETENTION, TOKEN_LIFE, a_session, an_opening
from tests.support.final_records import store_rows
from tests.support.memory_table import StoreInMemory
from tests.support.random_walk import Walk

SHARD = Shard("5")
KEY_HASH = KeyHash("c1" * 32)
ALARM_AT = a_session().alarm_at


def an_id(shard: str = SHARD) -> SessionId:
    return SessionId(shard + secrets.token_hex(16))


def new(*, owned: bool = False, alarm_at: datetime = ALARM_AT, shard: str = SHARD) -> Session:
    return a_session(session_id=an_id(shard), person=PERSON if owned else None, alarm_at=alarm_at)


def with_key(session: Session, slot: int = 0) -> Opening:
    opening = an_opening(replace(session, key_hash=KEY_HASH), slot=slot)
    record = IdempotencyRecord(
        key_hash=KEY_HASH, request_hash="4e" * 32, session_id=session.session_id, ends_at=NOW
    )
    return replace(opening, record=record, sealed_answer="sealed")


def table_on(connection: str, name: str) -> StorageTable:
    return StorageTable.from_connection_string(Secret(connection), name=name, timeout_seconds=10)


@pytest.fixture
async def azurite_table(stack: Stack) -> AsyncIterator[TableClient]:
    """Give a test a table of its own."""
    storage = stack.settings["AzureWebJobsStorage"]
    async with TableServiceClient.from_connection_string(storage) as tables:
        table = await tables.create_table(f"Contract{secrets.token_hex(8)}")
        yield table
        await table.delete_table()
        await table.close()


@pytest.fixture
async def azurite_store(
    stack: Stack, azurite_table: TableClient
) -> AsyncIterator[TableSessionStore]:
    store = TableSessionStore(
        table_on(stack.settings["AzureWebJobsStorage"], azurite_table.table_name)
    )
    yield store
    await store.close()


@pytest.fixture(params=["in-memory", "on-azurite"])
def store(request: pytest.FixtureRequest) -> SessionStore:
    if request.param == "in-memory":
        return StoreInMemory()
    azurite: SessionStore = request.getfixturevalue("azurite_store")
    return azurite


async def stored(store: SessionStore, session: Session) -> Session:
    await store.insert(an_opening(session))
    found = await store.load(session.session_id)
    assert found is not None
    return found


async def alarms(store: SessionStore, now: datetime, shard: Shard = SHARD) -> list[Alarm]:
    return await store.list_due(shard, now, limit=5000)


async def winners(*calls: Awaitable[object]) -> int:
    """Run at the same moment; whoever does not win must have lost a race."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    lost = [one for one in done if isinstance(one, BaseException)]
    assert {type(error) for error in lost} <= {StoreConflictError}
    return len(done) - len(lost)


FULL = replace(
    transitions.completed(
        a_session(
            report=Report(
                digest="d" * 64,
                digests_differ=True,
                result_id="r",
                liveness_error="Ünïcode \N{GRINNING FACE}",
                recognition_error="None",
            ),
            sealed_user_correlation_id='O\'Hara "x" <&>',
            sealed_device_correlation_id="\N{SNOWMAN}",
            person=PERSON,
            slot_number=3,
            key_hash="c1" * 32,
            verify_image_sha256="a" * 64,
            look_at=NOW + timedelta(milliseconds=1),
            empty_looks=3,
            message_at=NOW,
            cancel_look_at=NOW,
            failed_cancels=2,
        ),
        Verdict(
            outcome=Outcome.REJECTED,
            reasons=(Reason.SPOOF, Reason.DIFFERENT_PERSON),
            liveness_decision="spoofface",
            attempt_id=2**31 - 1,
            attempt_count=3,
            error_code="X",
            is_identical=False,
            match_confidence=1.0,
            model_version="2024-11-15",
        ),
        NOW,
    ),
    alarm_delays=7,
)


@pytest.mark.parametrize("session", [a_session(), FULL], ids=["new", "full"])
async def test_a_session_is_loaded_as_it_was_inserted(
    session: Session, store: SessionStore
) -> None:
    session = replace(session, session_id=an_id())
    found = await stored(store, session)

    assert found == replace(session, version=found.version)
    assert found.version != ""


async def test_a_session_that_is_not_there_is_none(store: SessionStore) -> None:
    assert await store.load(an_id()) is None
    assert await store.load_sealed_answer(an_id()) is None
    assert await store.load_ledger(PERSON, NOW) == Ledger()


async def test_an_id_is_inserted_once(store: SessionStore) -> None:
    session = new(owned=True)
    await store.insert(an_opening(session, slot=0))
    before = await store.load(session.session_id)

    with pytest.raises(StoreConflictError):
        await store.insert(an_opening(replace(session, token_hash="another"), slot=1))

    assert await store.load(session.session_id) == before
    assert await slots(store) == [session.session_id]


async def slots(store: SessionStore) -> list[str | None]:
    return [slot.session_id for slot in (await store.load_ledger(PERSON, NOW)).slots]


async def test_a_change_is_returned_as_it_stands(store: SessionStore) -> None:
    before = await stored(store, new())
    changed = await store.replace(before, transitions.processing(before, NOW))

    assert changed == await store.load(before.session_id)
    assert (changed.status, changed.version != before.version) == (Status.PROCESSING, True)


async def test_what_is_unknown_again_is_gone_from_the_record(store: SessionStore) -> None:
    before = await stored(store, replace(new(), look_at=NOW))
    changed = await store.replace(before, replace(before, look_at=None))

    assert changed.look_at is None
    assert await store.load(before.session_id) == changed


async def test_whoever_read_before_a_change_changes_nothing(store: SessionStore) -> None:
    before = await stored(store, new(owned=True))
    changed = await store.replace(before, transitions.processing(before, NOW))

    for late in (
        store.replace(before, transitions.canceled(before, NOW)),
        store.replace(before, replace(before, token_hash="another")),
        store.purge(before),
    ):
        with pytest.raises(StoreConflictError):
            await late

    assert await store.load(before.session_id) == changed
    assert [alarm.due_at for alarm in await alarms(store, ALARM_AT)] == [changed.alarm_at]


async def test_what_is_purged_can_be_changed_or_purged_no_more(store: SessionStore) -> None:
    before = await stored(store, new())
    await store.purge(before)

    for late in (store.replace(before, transitions.canceled(before, NOW)), store.purge(before)):
        with pytest.raises(StoreConflictError):
            await late

    assert await store.load(before.session_id) is None
    assert await alarms(store, NOW + RETENTION) == []


async def test_of_many_changes_at_once_exactly_one_wins(store: SessionStore) -> None:
    before = await stored(store, new())
    changes = [
        replace(before, token_hash=str(number), alarm_at=NOW + timedelta(seconds=number))
        for number in range(10)
    ]

    assert await winners(*(store.replace(before, after) for after in changes)) == 1
    found = await store.load(before.session_id)
    assert found is not None
    assert replace(found, version=before.version) in changes
    assert [one.due_at for one in await alarms(store, ALARM_AT)] == [found.alarm_at]


async def test_of_many_purges_at_once_exactly_one_wins(store: SessionStore) -> None:
    before = await stored(store, new())

    assert await winners(*(store.purge(before) for _ in range(5))) == 1


async def test_of_many_inserts_in_one_slot_exactly_one_wins(store: SessionStore) -> None:
    sessions = [new(owned=True) for _ in range(6)]

    assert await winners(*(store.insert(an_opening(one, slot=0)) for one in sessions)) == 1
    kept = [one.session_id for one in sessions if await store.load(one.session_id)]
    assert await slots(store) == kept
    assert len(await alarms(store, ALARM_AT)) == 1


async def test_of_many_inserts_with_one_key_exactly_one_wins(store: SessionStore) -> None:
    openings = [with_key(new(owned=True), slot) for slot in range(6)]

    assert await winners(*map(store.insert, openings)) == 1
    (kept,) = [one.session for one in openings if await store.load(one.session.session_id)]
    record = (await store.load_ledger(PERSON, NOW)).find_record(KEY_HASH)
    assert record is not None
    assert record.session_id == kept.session_id
    assert await store.load_sealed_answer(kept.session_id) == "sealed"


async def test_a_slot_or_a_key_that_is_over_is_taken_as_it_was_read(store: SessionStore) -> None:
    first, second, third = (new(owned=True) for _ in range(3))
    await store.insert(with_key(first))
    ledger = await store.load_ledger(PERSON, NOW)
    (slot,), (record,) = ledger.slots, ledger.records
    openings = [
        replace(
            (opening := with_key(one)),
            slot=opening.slot and replace(opening.slot, version=slot.version),
            record=opening.record and replace(opening.record, version=record.version),
            over=(record,),
        )
        for one in (second, third)
    ]

    assert await winners(*map(store.insert, openings)) == 1
    (kept,) = set(await slots(store))
    assert kept in {second.session_id, third.session_id}
    assert await store.load_sealed_answer(first.session_id) is None


async def test_starts_and_endings_of_one_person_at_once_are_all_recorded(
    store: SessionStore,
) -> None:
    for slot in range(5):
        await store.insert(an_opening(new(owned=True), slot=slot))
    ids = [one for one in await slots(store) if one]
    ending = [one for one in [await store.load(SessionId(key)) for key in ids] if one]
    calls = [store.replace(one, transitions.abandoned(one, NOW)) for one in ending]
    starts = [store.insert(an_opening(new(owned=True), slot=slot)) for slot in range(5, 10)]
    await asyncio.gather(*calls, *starts)

    held = await slots(store)
    assert (held[:5], len(set(held[5:]) - {None})) == ([None] * 5, 5)


async def test_of_many_endings_at_once_one_is_in_the_ledger(store: SessionStore) -> None:
    before = await stored(store, new(owned=True))
    endings = (
        transitions.canceled(before, NOW, during_check=True),
        transitions.completed(before, Verdict(outcome=Outcome.REJECTED), NOW),
        transitions.completed(before, Verdict(outcome=Outcome.PASSED), NOW),
    )

    assert await winners(*(store.replace(before, after) for after in endings)) == 1
    assert len((await store.load_ledger(PERSON, NOW)).entries) == 2


async def test_a_ledger_is_one_persons_own_and_of_a_day(store: SessionStore) -> None:
    old = replace(new(owned=True), created_at=NOW - timedelta(hours=24, milliseconds=1))
    other = PersonHash(SHARD + "0" * 63)
    for session in (new(owned=True), old, replace(new(), person=other)):
        await store.insert(an_opening(session))

    assert len((await store.load_ledger(PERSON, NOW)).entries) == 1
    assert len((await store.load_ledger(other, NOW)).entries) == 1


async def test_a_persons_sessions_are_listed_for_as_long_as_they_are_kept(
    store: SessionStore,
) -> None:
    ages = [timedelta(days=days) for days in (2, 0, 1)]
    mine = [replace(new(owned=True), created_at=NOW - age) for age in ages]
    other = PersonHash(SHARD + "0" * 63)
    for session in (*mine, replace(new(), person=other)):
        await store.insert(an_opening(session))
    await store.record_start(PERSON, start_entry(new(owned=True)))
    ended = await store.load(mine[1].session_id)
    assert ended is not None
    rejected = Verdict(outcome=Outcome.REJECTED)
    await store.replace(ended, transitions.completed(ended, rejected, NOW))

    first = await store.list_sessions(PERSON, after=None, limit=2)
    rest = await store.list_sessions(PERSON, after=first[-1][0], limit=2)

    found = [session.session_id for _, session in (*first, *rest)]
    assert found == [mine[number].session_id for number in (1, 2, 0)]
    assert (len(first), first[0][1].status) == (2, Status.COMPLETED)


async def test_what_no_session_takes_with_it_goes_by_its_alarm_once(store: SessionStore) -> None:
    await store.record_start(PERSON, start_entry(new(owned=True)))
    due = await alarms(store, NOW + timedelta(hours=24))

    assert [(one.session_id, one.due_at) for one in due] == [(None, NOW + timedelta(hours=24))]
    assert await winners(*(store.end_record(due[0]) for _ in range(3))) == 1
    assert await store.load_ledger(PERSON, NOW) == Ledger()


async def test_an_unlock_that_was_repeated_outlives_the_first_ones_alarm(
    store: SessionStore,
) -> None:
    first, second = Unlock(at=NOW), Unlock(at=NOW + timedelta(hours=1))
    for unlock in (first, first, second):
        await store.record_unlock(PERSON, unlock)
    one, another = await alarms(store, NOW + timedelta(days=2))

    await store.end_record(one)
    found = (await store.load_ledger(PERSON, NOW)).unlock
    assert found is not None
    assert found.at == second.at
    await store.end_record(another)
    assert await store.load_ledger(PERSON, NOW) == Ledger()


async def test_due_is_what_has_rung_in_this_shard_to_the_millisecond(store: SessionStore) -> None:
    tick = timedelta(milliseconds=1)
    moments = [ALARM_AT - timedelta(days=400), ALARM_AT - tick, ALARM_AT, ALARM_AT + tick]
    sessions = [new(owned=True, alarm_at=moment) for moment in reversed(moments)]
    for session in [*sessions, new(shard="6"), new(shard="4")]:
        await store.insert(an_opening(session))

    due = await alarms(store, ALARM_AT)

    assert due == [
        Alarm(
            shard=SHARD,
            session_id=session.session_id,
            row_key=row_keys.alarm_key(session),
            due_at=session.alarm_at,
            alarm_class=AlarmClass.OPEN,
        )
        for session in reversed(sessions[1:])
    ]


async def test_an_alarm_that_is_set_aside_rings_later_and_once(store: SessionStore) -> None:
    before = await stored(store, new())
    (alarm,) = await alarms(store, ALARM_AT)
    await store.postpone_unreadable(alarm, ALARM_AT, timedelta(days=9))
    found = await store.load(before.session_id)
    (later,) = await alarms(store, ALARM_AT + timedelta(days=1))

    assert found is not None
    assert found.alarm_at == later.due_at == ALARM_AT + timedelta(minutes=2)
    with pytest.raises(StoreConflictError):
        await store.postpone_unreadable(alarm, ALARM_AT, timedelta(days=9))
    await store.purge(found)
    assert await alarms(store, ALARM_AT + timedelta(days=1)) == []


async def test_alarms_are_listed_page_after_page(
    azurite_table: TableClient, azurite_store: TableSessionStore
) -> None:
    # A page of a table has 1000 rows, and these are more.
    sessions = [new(alarm_at=NOW + timedelta(seconds=number)) for number in range(1100)]
    await store_rows(azurite_table, map(alarm_rows.alarm_row, sessions))

    due_at = NOW + timedelta(seconds=1049)
    due = await azurite_store.list_due(SHARD, due_at, limit=5000)
    first_ones = await azurite_store.list_due(SHARD, due_at, limit=1020)

    assert [alarm.session_id for alarm in due] == [one.session_id for one in sessions[:1050]]
    assert first_ones == due[:1020]


async def test_a_session_with_a_key_is_six_rows_and_in_the_end_none(
    azurite_table: TableClient, azurite_store: TableSessionStore
) -> None:
    opening = with_key(new(owned=True))
    session = opening.session

    await azurite_store.insert(opening)
    rows = await _keys_of(azurite_table)
    before = await azurite_store.load(session.session_id)
    assert before is not None
    spoof = Verdict(outcome=Outcome.REJECTED)
    ended = await azurite_store.replace(before, transitions.completed(before, spoof, NOW))
    await azurite_store.purge(ended)

    assert rows == [
        row_keys.alarm_key(session),
        row_keys.answer_key(session.session_id),
        row_keys.slot_key(PERSON, 0),
        row_keys.record_key(PERSON, KEY_HASH),
        row_keys.entry_key(PERSON, start_entry(session)),
        row_keys.session_key(session.session_id),
    ]
    assert await _keys_of(azurite_table) == []


async def _keys_of(table: TableClient) -> Sequence[str]:
    return sorted([str(row["RowKey"]) async for row in table.list_entities()])


@pytest.mark.parametrize("seed", range(4))
async def test_slots_and_alarms_are_exact_on_azurite_after_whatever_happens(
    seed: int, azurite_store: TableSessionStore
) -> None:
    walk = Walk(store=azurite_store, rng=Random(seed))  # noqa: S311 - to be replayed
    for _ in range(20):
        await walk.step()
        await walk.check()


async def test_without_its_table_a_store_is_unavailable(stack: Stack) -> None:
    table = table_on(stack.settings["AzureWebJobsStorage"], f"Missing{secrets.token_hex(8)}")
    store, session = TableSessionStore(table), new(owned=True)
    alarm = row_keys.alarm_from_key(SHARD, "alarm-x-record-y")

    for call in (
        store.insert(an_opening(session, slot=0)),
        store.load(session.session_id),
        store.replace(session, transitions.processing(session, NOW)),
        store.replace(session, transitions.canceled(session, NOW)),
        store.purge(session),
        store.load_ledger(PERSON, NOW),
        store.list_sessions(PERSON, after=None, limit=1),
        store.load_sealed_answer(session.session_id),
        store.record_start(PERSON, start_entry(session)),
        store.record_unlock(PERSON, Unlock(at=NOW)),
        store.end_record(alarm),
        store.postpone_unreadable(alarm, NOW, timedelta(days=9)),
        alarms(store, NOW),
    ):
        with pytest.raises(StoreUnavailableError):
            await call
    await store.close()


async def test_the_app_opens_the_table_that_the_stack_has_made(stack: Stack) -> None:
    storage = Secret(stack.settings["AzureWebJobsStorage"])
    store = TableSessionStore.from_connection_string(storage, timeout_seconds=3)
    session = new()
    found = await stored(store, session)
    await store.purge(found)

    assert found.expires_at == NOW + TOKEN_LIFE
    await store.close()
