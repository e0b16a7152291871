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
from shared.errors import StoreConflictError, StoreUnavailableError, TooManySessionsError
from shared.flow.ports import SessionStore
from shared.secret import Secret
from shared.session import transitions
from shared.session.alarm import Alarm, AlarmClass
from shared.session.idempotency import Claim, KeyHash
from shared.session.ids import SessionId, shard_of
from shared.session.session import Outcome, Reason, Report, Session, Status, Verdict
from shared.session.shard import SHARDS, PersonHash, Shard
from shared.store import alarm_rows, row_keys
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.builders import NOW, PERSON, RETENTION, TOKEN_LIFE, a_claim, a_session
from tests.support.final_records import store_rows
from tests.support.memory_table import StoreInMemory
from tests.support.random_walk import Walk

SHARD = Shard("7")
ALARM_AT = a_session().alarm_at


def an_id(shard: str = SHARD) -> SessionId:
    return SessionId(shard + secrets.token_hex(16))


def new(*, counted: bool = False, alarm_at: datetime = ALARM_AT, shard: str = SHARD) -> Session:
    return a_session(
        session_id=an_id(shard), person_sha256=PERSON if counted else None, alarm_at=alarm_at
    )


def new_claim(session: Session) -> Claim:
    return a_claim(session_id=session.session_id, key_hash=secrets.token_hex(32))


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
    await store.insert(session, None, max_open_sessions=0)
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
            user_correlation_id='O\'Hara "x" <&>',
            device_correlation_id="\N{SNOWMAN}",
            person_sha256=PERSON,
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


@pytest.mark.parametrize("confidence", [0.0, 0.997, 1.0, None])
async def test_a_confidence_stays_a_number(confidence: float | None, store: SessionStore) -> None:
    verdict = Verdict(outcome=Outcome.PASSED, match_confidence=confidence)
    found = await stored(store, transitions.completed(new(), verdict, NOW))

    assert found.verdict == verdict


async def test_a_session_that_is_not_there_is_none(store: SessionStore) -> None:
    assert await store.load(an_id()) is None
    assert await store.load_claim(SHARD, KeyHash("0" * 64)) is None
    assert await store.count_open_sessions(SHARD, PERSON) == 0


async def test_an_id_is_inserted_once(store: SessionStore) -> None:
    session = new(counted=True)
    await store.insert(session, None, max_open_sessions=5)
    before = await store.load(session.session_id)

    with pytest.raises(StoreConflictError):
        await store.insert(replace(session, token_hash="another"), None, max_open_sessions=5)

    assert await store.load(session.session_id) == before
    assert await store.count_open_sessions(SHARD, PERSON) == 1


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
    before = await stored(store, new(counted=True))
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


async def test_of_twenty_inserts_at_once_exactly_five_find_room(store: SessionStore) -> None:
    done = await asyncio.gather(
        *(store.insert(new(counted=True), None, max_open_sessions=5) for _ in range(20)),
        return_exceptions=True,
    )

    assert [type(error) for error in done if error] == [TooManySessionsError] * 15
    assert await store.count_open_sessions(SHARD, PERSON) == 5
    assert len(await alarms(store, ALARM_AT)) == 5


async def test_starts_and_endings_at_once_leave_the_exact_count(store: SessionStore) -> None:
    ending = [await stored(store, new(counted=True)) for _ in range(5)]
    calls = [store.replace(one, transitions.abandoned(one, NOW)) for one in ending]
    starts = [store.insert(new(counted=True), None, max_open_sessions=0) for _ in range(5)]
    await asyncio.gather(*calls, *starts)

    assert await store.count_open_sessions(SHARD, PERSON) == 5


async def test_an_ending_that_loses_its_race_releases_nothing(store: SessionStore) -> None:
    before = await stored(store, new(counted=True))
    await stored(store, new(counted=True))
    endings = (
        transitions.canceled(before, NOW),
        transitions.abandoned(before, NOW),
        transitions.completed(before, Verdict(outcome=Outcome.PASSED), NOW),
    )

    assert await winners(*(store.replace(before, after) for after in endings)) == 1
    assert await store.count_open_sessions(SHARD, PERSON) == 1


async def test_a_count_is_one_persons_own(store: SessionStore) -> None:
    await stored(store, new(counted=True))
    await stored(store, replace(new(), person_sha256=PersonHash("0" * 64)))
    await stored(store, new(counted=True, shard="8"))

    assert await store.count_open_sessions(SHARD, PERSON) == 1


async def test_a_key_is_taken_once_with_its_session(store: SessionStore) -> None:
    sessions = [new(counted=True) for _ in range(6)]
    claim = new_claim(sessions[0])
    calls = [
        store.insert(one, replace(claim, session_id=one.session_id), max_open_sessions=5)
        for one in sessions
    ]

    assert await winners(*calls) == 1
    taken = await store.load_claim(SHARD, claim.key_hash)
    assert taken is not None
    kept = [one for one in sessions if await store.load(one.session_id)]
    assert [one.session_id for one in kept] == [taken.session_id]
    assert await store.count_open_sessions(SHARD, PERSON) == 1


async def test_a_key_is_dropped_once_and_as_it_was_read(store: SessionStore) -> None:
    session = new()
    await store.insert(session, new_claim(session), max_open_sessions=0)
    key_hash = (await _only_claim(store, session)).key_hash
    claim = await store.load_claim(SHARD, key_hash)
    assert claim is not None

    with pytest.raises(StoreConflictError):
        await store.drop_claim(replace(claim, version="W/\"datetime'2020-01-01T00%3A00%3A00Z'\""))
    assert await winners(*(store.drop_claim(claim) for _ in range(3))) == 1
    assert await store.load_claim(SHARD, key_hash) is None
    assert [one.session_id for one in await alarms(store, claim.ends_at)] == [session.session_id]


async def _only_claim(store: SessionStore, session: Session) -> Claim:
    rung = await alarms(store, NOW + timedelta(days=2), shard_of(session.session_id))
    (key,) = [alarm.row_key for alarm in rung if alarm.session_id is None]
    claim = await store.load_claim(shard_of(session.session_id), KeyHash(key.rpartition("-")[2]))
    assert claim is not None
    return claim


async def test_a_key_ends_by_its_alarm_once(store: SessionStore) -> None:
    session = new()
    claim = new_claim(session)
    await store.insert(session, claim, max_open_sessions=0)
    (alarm,) = [one for one in await alarms(store, claim.ends_at) if one.session_id is None]

    assert alarm.due_at == claim.ends_at
    assert await winners(*(store.end_claim(alarm) for _ in range(3))) == 1
    assert await store.load_claim(SHARD, claim.key_hash) is None
    assert await store.load(session.session_id) is not None


async def test_a_key_that_was_used_anew_outlives_its_old_alarm(store: SessionStore) -> None:
    first, second = new(), new()
    claim = new_claim(first)
    await store.insert(first, claim, max_open_sessions=0)
    (alarm,) = [one for one in await alarms(store, claim.ends_at) if one.session_id is None]
    read = await store.load_claim(SHARD, claim.key_hash)
    assert read is not None
    await store.drop_claim(read)
    later = replace(
        claim, session_id=second.session_id, ends_at=claim.ends_at + timedelta(hours=24)
    )
    await store.insert(second, later, max_open_sessions=0)

    with pytest.raises(StoreConflictError):
        await store.end_claim(alarm)
    found = await store.load_claim(SHARD, claim.key_hash)
    assert found == replace(later, version=found.version if found else "")


async def test_due_is_what_has_rung_in_this_shard_to_the_millisecond(store: SessionStore) -> None:
    tick = timedelta(milliseconds=1)
    moments = [ALARM_AT - timedelta(days=400), ALARM_AT - tick, ALARM_AT, ALARM_AT + tick]
    sessions = [new(counted=True, alarm_at=moment) for moment in reversed(moments)]
    for session in [*sessions, new(shard="8"), new(shard="6")]:
        await store.insert(session, new_claim(session), max_open_sessions=0)

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


@pytest.mark.parametrize("session_id", ["0" * 33, "f" * 33], ids=["all-0", "all-f"])
async def test_the_first_and_the_last_id_ring_at_their_time(
    session_id: str, store: SessionStore
) -> None:
    session = a_session(session_id=session_id)
    await store.insert(session, None, max_open_sessions=0)
    just_before = session.alarm_at - timedelta(milliseconds=1)

    rung = await alarms(store, session.alarm_at, shard_of(session.session_id))
    assert [alarm.session_id for alarm in rung] == [session_id]
    assert await alarms(store, just_before, shard_of(session.session_id)) == []


async def test_every_shard_is_a_place_of_its_own(store: SessionStore) -> None:
    sessions = [new(shard=shard) for shard in SHARDS]
    for session in sessions:
        await store.insert(session, None, max_open_sessions=0)

    for session in sessions:
        rung = await alarms(store, ALARM_AT, shard_of(session.session_id))
        assert [alarm.session_id for alarm in rung] == [session.session_id]


async def test_an_alarm_that_is_set_aside_rings_later_and_once(store: SessionStore) -> None:
    before = await stored(store, new())
    (alarm,) = await alarms(store, ALARM_AT)
    await store.postpone_unreadable(alarm, ALARM_AT)
    found = await store.load(before.session_id)
    (later,) = await alarms(store, ALARM_AT + timedelta(days=1))

    assert found is not None
    assert found.alarm_at == later.due_at == ALARM_AT + timedelta(minutes=2)
    with pytest.raises(StoreConflictError):
        await store.postpone_unreadable(alarm, ALARM_AT)
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


async def test_a_session_and_its_key_are_five_rows_and_in_the_end_none(
    azurite_table: TableClient, azurite_store: TableSessionStore
) -> None:
    session = new(counted=True)
    claim = new_claim(session)

    await azurite_store.insert(session, claim, max_open_sessions=5)
    rows = await _keys_of(azurite_table)
    before = await azurite_store.load(session.session_id)
    taken = await azurite_store.load_claim(SHARD, claim.key_hash)
    assert before is not None
    assert taken is not None
    ended = await azurite_store.replace(before, transitions.canceled(before, NOW))
    await azurite_store.drop_claim(taken)
    await azurite_store.purge(ended)

    assert rows == [
        row_keys.alarm_key(session),
        row_keys.claim_alarm_key(claim),
        row_keys.claim_key(claim.key_hash),
        row_keys.count_key(PERSON),
        row_keys.session_key(session.session_id),
    ]
    assert await _keys_of(azurite_table) == []


async def _keys_of(table: TableClient) -> Sequence[str]:
    return sorted([str(row["RowKey"]) async for row in table.list_entities()])


@pytest.mark.parametrize("seed", range(4))
async def test_counts_and_alarms_are_exact_on_azurite_after_whatever_happens(
    seed: int, azurite_store: TableSessionStore
) -> None:
    walk = Walk(store=azurite_store, rng=Random(seed))  # noqa: S311 - to be replayed
    for _ in range(20):
        await walk.step()
        await walk.check()


async def test_without_its_table_a_store_is_unavailable(stack: Stack) -> None:
    table = table_on(stack.settings["AzureWebJobsStorage"], f"Missing{secrets.token_hex(8)}")
    store, session = TableSessionStore(table), new(counted=True)
    alarm = row_keys.alarm_from_key(SHARD, "alarm-x-record-y")

    for call in (
        store.insert(session, None, max_open_sessions=0),
        store.insert(replace(session, person_sha256=None), None, max_open_sessions=0),
        store.load(session.session_id),
        store.replace(session, transitions.processing(session, NOW)),
        store.replace(session, transitions.canceled(session, NOW)),
        store.purge(session),
        store.load_claim(SHARD, KeyHash("0" * 64)),
        store.drop_claim(a_claim()),
        store.end_claim(alarm),
        store.postpone_unreadable(alarm, NOW),
        store.count_open_sessions(SHARD, PERSON),
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
