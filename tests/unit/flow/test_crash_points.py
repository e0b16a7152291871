"""Whatever a process was doing when it ended, a fresh one comes to the same ending by sweeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.app import App
from shared.errors import (
    AppError,
    FaceUnavailableError,
    StoreConflictError,
    StoreUnavailableError,
)
from shared.secret import Secret
from shared.session.start_request import StartRequest
from tests.support.builders import RETENTION, a_passing_answer, a_request
from tests.support.faults import Crash, Faults, Hook
from tests.support.rows import is_clean
from tests.support.stage import FACE_CALLS, STALE, Case, Stage, end_of

MAX_CALLS = 30
KEY = Secret("k" * 16)
LATER = timedelta(seconds=4000)
PASSED = ("completed", "passed")
ABANDONED = ("abandoned", None)
CANCELED = ("canceled", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One thing that the app does for a session, how it begins, and where all of it must end."""

    prepare: Callable[[Stage], Awaitable[Case]]
    run: Callable[[Stage, App, Case], Awaitable[object]]
    before: tuple[str, str | None]
    after: tuple[str, str | None]

    def ending(self, calls: tuple[str, ...], cut: Hook) -> tuple[str, str | None]:
        """Return the ending: what decides it has been carried out, or it has not."""
        # What a flow writes without having heard Face decides nothing.
        unheard = cut is _lose_at_face and (calls[0], "get") == ("2", calls[2])
        return self.after if "replace" in calls and not unheard else self.before


async def _finished(stage: Stage) -> Case:
    return await stage.case(answer=a_passing_answer())


async def _untouched(stage: Stage) -> Case:
    return await stage.case()


async def _reported(stage: Stage) -> Case:
    case = await stage.case()
    await stage.complete(stage.process(), case)
    stage.play(case, a_passing_answer())
    return case


async def _stale(stage: Stage) -> Case:
    case = await _finished(stage)
    stage.clock.advance(STALE)
    return case


async def _never_finished(stage: Stage) -> Case:
    case = await _untouched(stage)
    stage.clock.advance(STALE)
    return case


async def _left_at_face(stage: Stage) -> Case:
    case = await _finished(stage)
    faults = Faults()
    faults.fail("delete", FaceUnavailableError("down"))
    await stage.complete(stage.process(faults), case)
    return case


async def _old(stage: Stage) -> Case:
    case = await _finished(stage)
    await stage.complete(stage.process(), case)
    stage.clock.advance(RETENTION)
    return case


FLOWS = {
    "a completion": Flow(prepare=_finished, run=Stage.complete, before=PASSED, after=PASSED),
    "an early completion": Flow(
        prepare=_untouched, run=Stage.complete, before=ABANDONED, after=ABANDONED
    ),
    "a cancel": Flow(prepare=_untouched, run=Stage.cancel, before=ABANDONED, after=CANCELED),
    "a message": Flow(prepare=_reported, run=Stage.settle, before=PASSED, after=PASSED),
    "an alarm of a check": Flow(
        prepare=_stale, run=Stage.handle_alarm, before=PASSED, after=PASSED
    ),
    "an alarm of nobody": Flow(
        prepare=_never_finished, run=Stage.handle_alarm, before=ABANDONED, after=ABANDONED
    ),
    "an alarm after the end": Flow(
        prepare=_left_at_face, run=Stage.handle_alarm, before=PASSED, after=PASSED
    ),
}


async def _crash(_: str) -> None:
    raise Crash


async def _lose_at_store(call: str) -> None:
    if call not in FACE_CALLS:
        raise StoreUnavailableError("the answer was lost")


async def _lose_and_repeat(call: str) -> None:
    # The SDK repeats a write whose answer was lost, and is told that somebody was first: itself.
    if call in {"insert", "replace"}:
        raise StoreConflictError("we were first")


async def _lose_at_face(call: str) -> None:
    if call in FACE_CALLS:
        raise FaceUnavailableError("the answer was lost")


CUTS: dict[str, Hook] = {
    "the process ends": _crash,
    "the table's answer is lost": _lose_at_store,
    "the table's answer is lost and the write repeated": _lose_and_repeat,
    "Face's answer is lost": _lose_at_face,
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
async def test_a_flow_cut_after_any_outside_call_comes_to_the_same_ending(
    stage: Stage, flow: Flow, cut: Hook
) -> None:
    wrecks = await _cut_everywhere(stage, flow, cut)

    for wait in (STALE, LATER):
        await stage.sweep_after(wait)
        assert stage.flaws == []

    endings = {calls: stage.ending(case) for calls, case in wrecks.items()}
    assert endings == {calls: flow.ending(calls, cut) for calls in wrecks}
    assert all(map(is_clean, stage.session_rows))
    assert stage.face.alive == set()
    await _assert_purged(stage)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
async def test_a_create_cut_after_any_outside_call_leaves_nothing_that_a_sweep_cannot_end(
    stage: Stage, key: Secret | None, cut: Hook
) -> None:
    unrecorded = 0
    for number in range(1, MAX_CALLS):
        faults, known = Faults(number, cut), len(stage.session_rows)
        end = await end_of(stage.process(faults).start.start(_somebody(number), key))
        is_recorded = len(stage.session_rows) > known
        is_at_face = "create" in faults.calls and "delete" not in faults.calls
        unrecorded += is_at_face and not is_recorded
        assert isinstance(end, AppError | Crash) or is_recorded
        if len(faults.calls) < number:
            break

    named = {row["faceSessionId"] for row in stage.session_rows}
    assert stage.flaws == []
    assert len(stage.face.alive - named) == unrecorded
    await stage.sweep_after(STALE, LATER)
    assert {row["status"] for row in stage.session_rows} == {"abandoned"}
    assert not named & stage.face.alive
    await _assert_purged(stage)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_a_purge_cut_after_any_outside_call_is_finished_by_the_next(
    stage: Stage, cut: Hook
) -> None:
    for number in range(1, MAX_CALLS):
        faults, case = Faults(number, cut), await _old(stage)
        await end_of(stage.handle_alarm(stage.process(faults), case))
        if len(faults.calls) < number:
            break

    assert stage.flaws == []
    await _assert_purged(stage)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_a_create_cut_after_any_outside_call_and_repeated_has_opened_one_session(
    stage: Stage, cut: Hook
) -> None:
    for number in range(1, MAX_CALLS):
        faults, request = Faults(number, cut), _somebody(number)
        await end_of(stage.process(faults).start.start(request, KEY))
        for _ in range(2):
            await end_of(stage.process().start.start(request, KEY))
        assert len(stage.session_rows) == number, faults.calls
        if len(faults.calls) < number:
            break

    assert stage.flaws == []


async def _cut_everywhere(stage: Stage, flow: Flow, cut: Hook) -> dict[tuple[str, ...], Case]:
    """Cut the flow after its first call, after its second, and so on until it runs through."""
    wrecks = dict[tuple[str, ...], Case]()
    for number in range(1, MAX_CALLS):
        faults, case = Faults(number, cut), await flow.prepare(stage)
        await end_of(flow.run(stage, stage.process(faults), case))
        assert stage.flaws == [], faults.calls
        wrecks[(str(number), *faults.calls)] = case
        if len(faults.calls) < number:
            return wrecks
    raise AssertionError("the flow never runs through")


async def _assert_purged(stage: Stage) -> None:
    """Reach the end of retention: nothing at all is left."""
    await stage.sweep_after(RETENTION, LATER)
    assert stage.rows == []


def _somebody(number: int) -> StartRequest:
    return a_request(user=f"user-{number}")
