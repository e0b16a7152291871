from collections.abc import Callable

import pytest

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow import update
from shared.flow.update import Change
from shared.session import transitions
from shared.session.face_reply import FaceCall
from shared.session.session import Session, Status
from tests.support.builders import NOW, RULES, SESSION_ID, a_session
from tests.support.stage import Stage
from tests.unit.flow.states import FINAL, PROCESSING, STARTED

CANCELED = transitions.canceled(STARTED, NOW)


def process(session: Session) -> Session:
    return transitions.processing(session, NOW)


def abandon(session: Session) -> Session:
    return transitions.abandoned(session, NOW)


async def change(stage: Stage, decide: Callable[[Session], Session] = process) -> Change:
    return await update.change(
        stage.faults.around(stage.store), stage.session, decide, RULES, stage.events
    )


async def test_what_follows_is_written_and_returned_as_it_stands(stage: Stage) -> None:
    stage.store.hold(STARTED)
    before = stage.session
    changed = await change(stage)

    assert (changed.before, changed.after, changed.is_written) == (before, stage.session, True)
    assert changed.after.status is Status.PROCESSING


@pytest.mark.parametrize("session", [PROCESSING, *(one.values[0] for one in FINAL)])
async def test_what_changes_nothing_and_what_has_ended_is_not_written(
    session: Session, stage: Stage
) -> None:
    stage.store.hold(session)
    changed = await change(stage)

    assert (changed, changed.is_written) == (Change(stage.session, stage.session), False)
    assert stage.store.writes == 0


async def test_who_lost_a_race_decides_again_on_what_is_there_now(stage: Stage) -> None:
    stage.store.hold(STARTED)
    seen: list[str | None] = []

    def record_and_process(session: Session) -> Session:
        seen.append(session.sealed_user_correlation_id)
        return process(session)

    other = a_session(sealed_user_correlation_id="written meanwhile")
    stage.faults.fail_next("replace", lambda: stage.store.hold(other))
    changed = await change(stage, record_and_process)

    assert seen == [None, "written meanwhile"]
    assert changed.before.sealed_user_correlation_id == "written meanwhile"
    assert changed.after == stage.session


@pytest.mark.parametrize("there", [CANCELED, PROCESSING], ids=["an-ending", "the-same-change"])
async def test_who_lost_against_what_leaves_nothing_to_do_has_written_nothing(
    there: Session, stage: Stage
) -> None:
    stage.store.hold(STARTED)
    stage.faults.fail_next("replace", lambda: stage.store.hold(there))

    assert await change(stage) == Change(stage.session, stage.session)
    assert stage.session.status is there.status


async def test_a_write_whose_answer_was_lost_is_not_written_twice(stage: Stage) -> None:
    stage.store.hold(STARTED)
    stage.faults.drop_responses("replace", StoreConflictError("our own write"))
    changed = await change(stage)

    assert changed.after.status is Status.PROCESSING
    assert stage.store.writes == 1


@pytest.mark.parametrize("losses", [4, 5])
async def test_five_lost_races_are_a_SessionConflict(losses: int, stage: Stage) -> None:  # noqa: N802
    stage.store.hold(STARTED)
    stage.faults.fail_next("replace", *[StoreConflictError("lost")] * losses)

    if losses < 5:
        assert (await change(stage)).is_written
    else:
        with pytest.raises(SessionConflictError) as caught:
            await change(stage)
        assert caught.value.retry_after_seconds == 1


async def test_a_session_that_was_purged_meanwhile_is_not_found(stage: Stage) -> None:
    stage.store.hold(STARTED)
    stage.faults.fail_next("replace", stage.store.table.rows.clear)

    with pytest.raises(SessionNotFoundError):
        await change(stage)


async def test_an_ending_is_logged_by_who_wrote_it_and_by_nobody_else(stage: Stage) -> None:
    stage.store.hold(STARTED)
    await change(stage)
    stage.faults.fail_next("replace", lambda: stage.store.hold(CANCELED))
    await change(stage, abandon)

    assert stage.events.named("session ended") == []

    stage.store.hold(STARTED)
    await change(stage, abandon)
    await change(stage, abandon)

    stage.store.hold(STARTED)
    await change(stage, lambda known: transitions.canceled(known, NOW, during_check=True))

    abandoned, canceled = stage.events.named("session ended")
    assert abandoned == {"session_id": SESSION_ID, "kind": "liveness", "status": "abandoned"}
    assert canceled == abandoned | {"status": "canceled", "reasons": "CanceledDuringCheck"}
    # RULES sends no events: none is due.
    assert stage.session.event_due_since is None


def test_the_id_of_a_call_is_kept_with_what_it_has_changed_and_alone_changes_nothing() -> None:
    unchanged = update.decide_after_call(lambda known: known, FaceCall.GET, "request-1")
    changed = update.decide_after_call(process, FaceCall.GET, "request-1")

    assert unchanged(STARTED) == STARTED
    assert changed(STARTED).face_request_ids.get == "request-1"
