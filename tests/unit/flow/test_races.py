"""One flow comes in between another wherever it can: one ending, and answers that agree.

tests/journeys/test_races.py lets everybody meet by chance, over HTTP.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from shared.app import App
from shared.errors import FaceUnavailableError
from shared.session.face_answer import FaceAnswer
from tests.support.builders import RETENTION, a_passing_answer, a_running_answer
from tests.support.constants import FINAL
from tests.support.faults import Faults
from tests.support.rows import flaws_in, is_clean, sessions_of
from tests.support.stage import STALE, Case, Stage, end_of

MAX_CALLS = 30

type Move = Callable[[Stage, App, Case], Awaitable[object]]


async def _complete(stage: Stage, app: App, case: Case) -> object:
    return (await stage.complete(app, case)).status


async def _handle_alarm(stage: Stage, app: App, case: Case) -> None:
    # Its word is for the sweep's numbers, and is no status.
    await stage.handle_alarm(app, case)


MOVES: dict[str, Move] = {
    "complete": _complete,
    "cancel": Stage.cancel,
    "message": Stage.settle,
    "sweep": _handle_alarm,
}


class Between:
    """Another move, from its beginning to its end, in another process."""

    def __init__(self, stage: Stage, move: Move, case: Case) -> None:
        self._stage, self._move, self._case = stage, move, case
        self.end: object = None

    async def __call__(self, _: str) -> None:
        self.end = await end_of(self._move(self._stage, self._stage.process(), self._case))


@pytest.mark.parametrize("answer", [a_passing_answer(), a_running_answer()], ids=["over", "runs"])
@pytest.mark.parametrize("second", MOVES)
@pytest.mark.parametrize("first", MOVES)
async def test_one_move_in_between_another_is_one_ending_and_answers_that_agree(
    stage: Stage, first: str, second: str, answer: FaceAnswer
) -> None:
    for number in range(1, MAX_CALLS):
        case = await stage.case(key="k1", answer=answer)
        stage.clock.advance(STALE if "sweep" in {first, second} else STALE * 0)
        between = Between(stage, MOVES[second], case)
        faults = Faults(number, between)

        end = await end_of(MOVES[first](stage, stage.process(faults), case))

        rows = stage.rows_of(case)
        (row,) = sessions_of(rows)
        where = f"{faults.calls[:number]} then {between.end!r}; {end!r}, {row['status']}"
        assert flaws_in(rows) == [], where
        assert {str(one) for one in (end, between.end)} & FINAL <= {row["status"]}, where
        assert row["status"] == "completed" or answer == a_running_answer(), where
        if len(faults.calls) < number:
            break
    await stage.sweep_after(STALE, STALE * 5)
    _assert_each_has_ended_once(stage)


async def test_two_sweeps_at_once_record_each_session_once(stage: Stage) -> None:
    checked = [await stage.case(answer=a_passing_answer()) for _ in range(8)]
    nobodys = [await stage.case() for _ in range(8)]
    await _canceled_and_left_at_face(stage, 8)
    stage.events.facts.clear()

    stage.clock.advance(STALE)
    await asyncio.gather(*(stage.process().sweep.run() for _ in range(2)))

    ended = Counter(facts["session_id"] for facts in stage.events.named("session ended"))
    assert ended == {case.session_id: 1 for case in (*checked, *nobodys)}
    assert {stage.ending(case) for case in checked} == {("completed", "passed")}
    assert {stage.ending(case) for case in nobodys} == {("abandoned", None)}
    assert stage.flaws == []
    assert all(map(is_clean, stage.session_rows))
    summaries = stage.events.named("sweep ended")
    assert sum(int(str(one["settled"])) for one in summaries) == len(checked)
    assert sum(int(str(one["abandoned"])) for one in summaries) == len(nobodys)


async def test_two_sweeps_at_once_take_each_record_away_once_and_report_no_failure(
    stage: Stage,
) -> None:
    for _ in range(16):
        case = await stage.case(key="k1")
        await stage.cancel(stage.process(), case)

    stage.clock.advance(RETENTION)
    await asyncio.gather(*(stage.process().sweep.run() for _ in range(2)))

    assert stage.rows == []
    assert stage.events.named("session failed") == []
    assert [facts["failed"] for facts in stage.events.named("sweep ended")] == [0, 0]


def _assert_each_has_ended_once(stage: Stage) -> None:
    rows, ended = stage.session_rows, stage.events.named("session ended")
    assert Counter(facts["session_id"] for facts in ended) == {
        row["RowKey"].removeprefix("session-"): 1 for row in rows
    }
    assert all(map(is_clean, rows))
    assert stage.face.alive == set()


async def _canceled_and_left_at_face(stage: Stage, count: int) -> None:
    faults = Faults()
    faults.fail("delete", FaceUnavailableError("down"))
    for _ in range(count):
        await stage.cancel(stage.process(faults), await stage.case(key="k1"))
