from collections.abc import Callable

import pytest

from shared import lifecycle, session_changes
from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.sessions import Session, Status
from tests.unit.builders import NOW, SESSION_ID, a_session
from tests.unit.fakes import MemoryStore


def process(session: Session) -> Session:
    return lifecycle.processing(session, NOW)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.hold(a_session())
    return store


def written_meanwhile(store: MemoryStore, session: Session) -> Callable[[], None]:
    return lambda: store.hold(session)


async def test_what_follows_is_written_and_returned_as_it_stands(store: MemoryStore) -> None:
    changed = await session_changes.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert changed == store.rows[SESSION_ID]


async def test_a_change_is_told_by_who_made_it_and_only_then(store: MemoryStore) -> None:
    told: list[tuple[Session, Session]] = []

    def tell(before: Session, after: Session) -> None:
        told.append((before, after))

    before = store.rows[SESSION_ID]
    changed = await session_changes.change(store, before, process, tell)
    await session_changes.change(store, changed, process, tell)
    store.trip("replace", lambda: store.hold(lifecycle.canceled(a_session(), NOW)))
    await session_changes.change(
        store, changed, lambda known: lifecycle.abandoned(known, NOW), tell
    )

    assert told == [(before, changed)]


async def test_what_changes_nothing_is_not_written(store: MemoryStore) -> None:
    before = store.rows[SESSION_ID]

    assert await session_changes.change(store, before, lambda session: session) == before
    assert store.writes == 1


async def test_a_final_session_is_not_even_thought_about(store: MemoryStore) -> None:
    store.hold(lifecycle.canceled(a_session(), NOW))
    before = store.rows[SESSION_ID]

    assert await session_changes.change(store, before, process) == before
    assert store.writes == 2


async def test_who_lost_a_race_thinks_again_about_what_is_there_now(store: MemoryStore) -> None:
    seen: list[str | None] = []

    def note_and_process(session: Session) -> Session:
        seen.append(session.user_correlation_id)
        return process(session)

    other = a_session(user_correlation_id="written meanwhile")
    store.trip("replace", written_meanwhile(store, other))
    changed = await session_changes.change(store, store.rows[SESSION_ID], note_and_process)

    assert seen == [None, "written meanwhile"]
    assert (changed.status, changed.user_correlation_id) == ("processing", "written meanwhile")


async def test_who_lost_against_an_ending_leaves_it(store: MemoryStore) -> None:
    ended = lifecycle.canceled(a_session(), NOW)
    store.trip("replace", written_meanwhile(store, ended))
    changed = await session_changes.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.CANCELED


async def test_a_write_whose_answer_was_lost_is_not_written_twice(store: MemoryStore) -> None:
    store.lose_answers("replace", StoreConflictError("our own write"))
    changed = await session_changes.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert store.writes == 2


@pytest.mark.parametrize("losses", [4, 5])
async def test_five_lost_races_are_a_SessionConflict(losses: int, store: MemoryStore) -> None:  # noqa: N802
    store.trip("replace", *[StoreConflictError("lost")] * losses)
    change = session_changes.change(store, store.rows[SESSION_ID], process)

    if losses < 5:
        assert (await change).status is Status.PROCESSING
    else:
        with pytest.raises(SessionConflictError):
            await change


async def test_a_session_that_was_purged_meanwhile_is_not_found(store: MemoryStore) -> None:
    store.trip("replace", store.rows.clear)

    with pytest.raises(SessionNotFoundError):
        await session_changes.change(store, store.rows[SESSION_ID], process)
