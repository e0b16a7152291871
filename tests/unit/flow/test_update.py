from collections.abc import Callable

import pytest

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow import update
from shared.session import transitions
from shared.session.session import Session, Status
from tests.support.builders import NOW, SESSION_ID, a_session
from tests.support.faults import Faults
from tests.support.memory_table import StoreInMemory


def process(session: Session) -> Session:
    return transitions.processing(session, NOW)


@pytest.fixture
def store() -> StoreInMemory:
    store = StoreInMemory()
    store.hold(a_session())
    return store


@pytest.fixture
def faults() -> Faults:
    return Faults()


def written_meanwhile(store: StoreInMemory, session: Session) -> Callable[[], None]:
    return lambda: store.hold(session)


async def test_what_follows_is_written_and_returned_as_it_stands(store: StoreInMemory) -> None:
    changed = await update.change(store, store.sessions[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert changed == store.sessions[SESSION_ID]


async def test_a_change_is_told_by_who_made_it_and_only_then(
    store: StoreInMemory, faults: Faults
) -> None:
    told: list[tuple[Session, Session]] = []

    def tell(before: Session, after: Session) -> None:
        told.append((before, after))

    before = store.sessions[SESSION_ID]
    changed = await update.change(faults.around(store), before, process, tell)
    await update.change(faults.around(store), changed, process, tell)
    faults.fail_next("replace", lambda: store.hold(transitions.canceled(a_session(), NOW)))
    await update.change(
        faults.around(store), changed, lambda known: transitions.abandoned(known, NOW), tell
    )

    assert told == [(before, changed)]


async def test_what_changes_nothing_is_not_written(store: StoreInMemory) -> None:
    before = store.sessions[SESSION_ID]

    assert await update.change(store, before, lambda session: session) == before
    assert store.writes == 0


async def test_a_final_session_is_not_even_thought_about(store: StoreInMemory) -> None:
    store.hold(transitions.canceled(a_session(), NOW))
    before = store.sessions[SESSION_ID]

    assert await update.change(store, before, process) == before
    assert store.writes == 0


async def test_who_lost_a_race_thinks_again_about_what_is_there_now(
    store: StoreInMemory, faults: Faults
) -> None:
    seen: list[str | None] = []

    def note_and_process(session: Session) -> Session:
        seen.append(session.user_correlation_id)
        return process(session)

    other = a_session(user_correlation_id="written meanwhile")
    faults.fail_next("replace", written_meanwhile(store, other))
    changed = await update.change(
        faults.around(store), store.sessions[SESSION_ID], note_and_process
    )

    assert seen == [None, "written meanwhile"]
    assert (changed.status, changed.user_correlation_id) == ("processing", "written meanwhile")


async def test_who_lost_against_an_ending_leaves_it(store: StoreInMemory, faults: Faults) -> None:
    ended = transitions.canceled(a_session(), NOW)
    faults.fail_next("replace", written_meanwhile(store, ended))
    changed = await update.change(faults.around(store), store.sessions[SESSION_ID], process)

    assert changed.status is Status.CANCELED


async def test_a_write_whose_answer_was_lost_is_not_written_twice(
    store: StoreInMemory, faults: Faults
) -> None:
    faults.drop_responses("replace", StoreConflictError("our own write"))
    changed = await update.change(faults.around(store), store.sessions[SESSION_ID], process)

    assert changed.status is Status.PROCESSING
    assert store.writes == 1


@pytest.mark.parametrize("losses", [4, 5])
async def test_five_lost_races_are_a_SessionConflict(  # noqa: N802
    losses: int, store: StoreInMemory, faults: Faults
) -> None:
    faults.fail_next("replace", *[StoreConflictError("lost")] * losses)
    change = update.change(faults.around(store), store.sessions[SESSION_ID], process)

    if losses < 5:
        assert (await change).status is Status.PROCESSING
    else:
        with pytest.raises(SessionConflictError):
            await change


async def test_a_session_that_was_purged_meanwhile_is_not_found(
    store: StoreInMemory, faults: Faults
) -> None:
    faults.fail_next("replace", store.table.rows.clear)

    with pytest.raises(SessionNotFoundError):
        await update.change(faults.around(store), store.sessions[SESSION_ID], process)
