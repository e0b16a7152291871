"""Whatever a process was doing when it ended, a fresh one comes to the same ending by sweeps."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from shared.composition import App
from shared.errors import FaceUnavailableError, StoreConflictError, StoreUnavailableError
from shared.session.session import Report
from tests.support.stage import (
    RETENTION_SECONDS,
    STALE_SECONDS,
    Case,
    Crash,
    Cut,
    Stage,
    Wire,
    a_request,
    all_clean,
    faults_in,
    sessions_of,
    staged,
    until_cut,
    wired,
)
from tests.support.world import World

MAX_CALLS = 30
FACE_CALLS = {"create", "get", "delete"}
PASSED = ("completed", "passed")
ABANDONED = ("abandoned", None)
CANCELED = ("canceled", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One thing that the app does for a session, how it begins, and where all of it must end."""

    prepare: Callable[[Stage, App], Awaitable[Case]]
    run: Callable[[App, Case], Awaitable[object]]
    before: tuple[str, str | None]
    after: tuple[str, str | None]
    decides_by: str = "replace"

    def ending(self, calls: list[str]) -> tuple[str, str | None]:
        """Return the ending: what decides it has been carried out, or it has not."""
        return self.after if self.decides_by in calls else self.before


async def _finished(stage: Stage, app: App) -> Case:
    case = await stage.case(app)
    await stage.play(case)
    return case


async def _untouched(stage: Stage, app: App) -> Case:
    return await stage.case(app)


async def _reported(stage: Stage, app: App) -> Case:
    case = await stage.reported_while_running(app)
    await stage.play(case)
    return case


async def _running(stage: Stage, app: App) -> Case:
    case = await stage.case(app)
    await stage.world.play(case.check, "running")
    return case


async def _stale(stage: Stage, app: App) -> Case:
    case = await _finished(stage, app)
    await stage.world.wait(STALE_SECONDS)
    return case


async def _never_finished(stage: Stage, app: App) -> Case:
    case = await _untouched(stage, app)
    await stage.world.wait(STALE_SECONDS)
    return case


async def _left_at_face(stage: Stage, app: App) -> Case:
    case = await _finished(stage, app)
    await stage.world.fail("delete", status=503)
    await _complete(app, case)
    return case


async def _old(stage: Stage, app: App) -> Case:
    case = await _finished(stage, app)
    await _complete(app, case)
    await stage.world.wait(RETENTION_SECONDS + 1)
    return case


async def _complete(app: App, case: Case) -> object:
    return await app.flow.complete(case.session_id, case.token, Report(), lambda _: None)


async def _cancel(app: App, case: Case) -> None:
    await app.flow.cancel(case.session_id, case.token)


async def _settle(app: App, case: Case) -> None:
    await app.flow.settle(case.session_id, last_try=False)


async def _ring(app: App, case: Case) -> object:
    return await app.sweep.walk.handle_alarm(case.session_id)


FLOWS = {
    "a completion": Flow(prepare=_finished, run=_complete, before=PASSED, after=PASSED),
    "an early completion": Flow(prepare=_running, run=_complete, before=ABANDONED, after=ABANDONED),
    "a cancel": Flow(prepare=_untouched, run=_cancel, before=ABANDONED, after=CANCELED),
    "a message": Flow(prepare=_reported, run=_settle, before=PASSED, after=PASSED),
    "an alarm of a check": Flow(prepare=_stale, run=_ring, before=PASSED, after=PASSED),
    "an alarm of nobody": Flow(
        prepare=_never_finished, run=_ring, before=ABANDONED, after=ABANDONED
    ),
    "an alarm after the end": Flow(prepare=_left_at_face, run=_ring, before=PASSED, after=PASSED),
}


def _crash(_: str) -> BaseException:
    return Crash()


def _lost_by_the_store(name: str) -> BaseException | None:
    return None if name in FACE_CALLS else StoreUnavailableError("the answer was lost")


def _lost_and_repeated(name: str) -> BaseException | None:
    # The SDK repeats a write whose answer was lost, and is told that somebody was first: itself.
    return StoreConflictError("we were first") if name in {"insert", "replace"} else None


def _lost_by_face(name: str) -> BaseException | None:
    return FaceUnavailableError("the answer was lost") if name in FACE_CALLS else None


CUTS: dict[str, Cut] = {
    "the process ends": _crash,
    "the table's answer is lost": _lost_by_the_store,
    "the table's answer is lost and the write repeated": _lost_and_repeated,
    "Face's answer is lost": _lost_by_face,
}


@pytest_asyncio.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    async with staged(world) as own:
        yield own


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
async def test_a_flow_cut_after_any_outside_call_comes_to_the_same_ending(
    stage: Stage, flow: Flow, cut: Cut
) -> None:
    wrecks, named = await _cut_everywhere(stage, flow, cut)
    fresh = stage.process()

    for seconds in (STALE_SECONDS, 4000):
        await stage.sweep_after(fresh, seconds)
        assert faults_in(await stage.rows()) == []

    endings = {calls: await stage.ending(case.session_id) for calls, case in wrecks.items()}
    assert endings == {calls: flow.ending(list(calls)) for calls in wrecks}
    assert all(all_clean(row) for row in sessions_of(await stage.rows()))
    assert not named & await stage.world.at_face()
    await _purged(stage, fresh)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("key", [None, "k1"], ids=["without a key", "with a key"])
async def test_a_create_cut_after_any_outside_call_leaves_nothing_that_a_sweep_cannot_end(
    stage: Stage, key: str | None, cut: Cut
) -> None:
    app = stage.process()
    before = await stage.world.at_face()
    unrecorded = 0
    for number in range(1, MAX_CALLS):
        wire = Wire(number, cut)
        known = len(sessions_of(await stage.rows()))
        end = await until_cut(wired(stage, app, wire).start.start(a_request(), key))
        is_recorded = len(sessions_of(await stage.rows())) > known
        unrecorded += "create" in wire.calls and not is_recorded and "delete" not in wire.calls
        assert end is not None or is_recorded
        if len(wire.calls) < number:
            break
    fresh = stage.process()
    named = _named_at_face(await stage.rows())

    assert faults_in(await stage.rows()) == []
    assert len(await stage.world.at_face() - before - named) == unrecorded
    await stage.sweep_after(fresh, STALE_SECONDS, 200)
    assert {row["status"] for row in sessions_of(await stage.rows())} == {"abandoned"}
    assert not named & await stage.world.at_face()
    await _purged(stage, fresh)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_a_purge_cut_after_any_outside_call_is_finished_by_the_next(
    stage: Stage, cut: Cut
) -> None:
    app = stage.process()
    for number in range(1, MAX_CALLS):
        wire = Wire(number, cut)
        case = await _old(stage, app)
        await until_cut(_ring(wired(stage, app, wire), case))
        if len(wire.calls) < number:
            break

    assert faults_in(await stage.rows()) == []
    await _purged(stage, stage.process())


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_a_create_cut_after_any_outside_call_and_repeated_has_opened_one_session(
    stage: Stage, cut: Cut
) -> None:
    app, fresh = stage.process(), stage.process()
    for number in range(1, MAX_CALLS):
        wire, request = Wire(number, cut), a_request()
        await until_cut(wired(stage, app, wire).start.start(request, "k1"))
        for _ in range(2):
            await until_cut(fresh.start.start(request, "k1"))
        assert len(sessions_of(await stage.rows())) == number, wire.calls
        if len(wire.calls) < number:
            break

    assert faults_in(await stage.rows()) == []


@pytest.mark.parametrize("cut", [_lost_by_the_store, _lost_and_repeated], ids=["lost", "repeated"])
async def test_a_create_knows_its_own_write_whose_answer_was_lost(stage: Stage, cut: Cut) -> None:
    app, request = stage.process(), a_request()
    dry = Wire()
    await wired(stage, app, dry).start.start(a_request(), "k1")

    wire = Wire(dry.calls.index("insert") + 1, cut)
    started = await wired(stage, app, wire).start.start(request, "k1")

    assert wire.was_cut
    case = Case(request=request, key="k1", started=started)
    await stage.play(case)
    await _complete(app, case)
    assert await stage.ending(case.session_id) == PASSED


async def _cut_everywhere(
    stage: Stage, flow: Flow, cut: Cut
) -> tuple[dict[tuple[str, ...], Case], set[object]]:
    """Cut the flow after its first call, after its second, and so on until it runs through.

    Return what is left of each, and every Face session that the table has ever named.
    """
    app, wrecks, named = stage.process(), dict[tuple[str, ...], Case](), set[object]()
    for number in range(1, MAX_CALLS):
        wire = Wire(number, cut)
        case = await flow.prepare(stage, app)
        named |= _named_at_face(await stage.rows())
        await until_cut(flow.run(wired(stage, app, wire), case))
        named |= _named_at_face(await stage.rows())
        assert faults_in(await stage.rows()) == [], wire.calls
        wrecks[(str(number), *wire.calls)] = case
        if len(wire.calls) < number:
            return wrecks, named
    raise AssertionError("the flow never runs through")


async def _purged(stage: Stage, app: App) -> None:
    """Reach the end of retention: nothing at all is left."""
    await stage.sweep_after(app, RETENTION_SECONDS, 4000)
    assert await stage.rows() == []


def _named_at_face(rows: list[dict[str, object]]) -> set[object]:
    return {row["faceSessionId"] for row in sessions_of(rows)}
