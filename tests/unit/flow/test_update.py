from collections.abc import Callable

import pytest

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow import update
from shared.session import transitions
from shared.session.session import Session, Status
from tests.support.builders import NOW, SESSION_ID, a_session
from tests.support.fakes import MemoryStore


def process(session: Session) -> Session:
    return transitions.processing(session, NOW)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.hold(a_session())
    return store


def written_meanwhile(store: MemoryStore, session: Session) -> Callable[[], None]:
    return lambda: store.hold(session)


async def test_what_follows_is_written_and_returned_as_it_stands(store: MemoryStore) -> None:
    changed = await update.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert changed == store.rows[SESSION_ID]


async def test_a_change_is_told_by_who_made_it_and_only_then(store: MemoryStore) -> None:
    told: list[tuple[Session, Session]] = []

    def tell(before: Session, after: Session) -> None:
        told.append((before, after))

    before = store.rows[SESSION_ID]
    changed = await update.change(store, before, process, tell)
    await update.change(store, changed, process, tell)
    store.fail_next("replace", lambda: store.hold(transitions.canceled(a_session(), NOW)))
    await update.change(store, changed, lambda known: transitions.abandoned(known, NOW), tell)

    assert told == [(before, changed)]


async def test_what_changes_nothing_is_not_written(store: MemoryStore) -> None:
    before = store.rows[SESSION_ID]

    assert await update.change(store, before, lambda session: session) == before
    assert store.writes == 1


async def test_a_final_session_is_not_even_thought_about(store: MemoryStore) -> None:
    store.hold(transitions.canceled(a_session(), NOW))
    before = store.rows[SESSION_ID]

    assert await update.change(store, before, process) == before
    assert store.writes == 2


async def test_who_lost_a_race_thinks_again_about_what_is_there_now(store: MemoryStore) -> None:
    seen: list[str | None] = []

    def note_and_process(session: Session) -> Session:
        seen.append(session.user_correlation_id)
        return process(session)

    other = a_session(user_correlation_id="written meanwhile")
    store.fail_next("replace", written_meanwhile(store, other))
    changed = await update.change(store, store.rows[SESSION_ID], note_and_process)

    assert seen == [None, "written meanwhile"]
    assert (changed.status, changed.user_correlation_id) == ("processing", "written meanwhile")


async def test_who_lost_against_an_ending_leaves_it(store: MemoryStore) -> None:
    ended = transitions.canceled(a_session(), NOW)
    store.fail_next("replace", written_meanwhile(store, ended))
    changed = await update.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.CANCELED


async def test_a_write_whose_answer_was_lost_is_not_written_twice(store: MemoryStore) -> None:
    store.drop_responses("replace", StoreConflictError("our own write"))
    changed = await update.change(store, store.rows[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert store.writes == 2


@pytest.mark.parametrize("losses", [4, 5])
async def test_five_lost_races_are_a_SessionConflict(losses: int, store: MemoryStore) -> None:  # noqa: N802
    store.fail_next("replace", *[StoreConflictError("lost")] * losses)
    change = update.change(store, store.rows[SESSION_ID], process)

    if losses < 5:
        assert (await change).status is Status.PROCESSING
    else:
        with pytest.raises(SessionConflictError):
            await change


async def test_a_session_that_was_purged_meanwhile_is_not_found(store: MemoryStore) -> None:
    store.fail_next("replace", store.rows.clear)

    with pytest.raises(SessionNotFoundError):
        await update.change(store, store.rows[SESSION_ID], process)
