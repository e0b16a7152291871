"""Whoever comes at the same moment: one ending, answers that agree with it, one alarm, one count.

The first test lets them meet by chance, over HTTP; the second one goes through every place in one
flow at which another flow can come in between.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from shared import composition, settings
from shared.composition import App
from shared.errors import AppError
from shared.session.ids import SessionId
from shared.session.session import Report
from tests.support.stage import (
    RETENTION_SECONDS,
    STALE_SECONDS,
    Case,
    Stage,
    Wire,
    all_clean,
    faults_in,
    sessions_of,
    staged,
    wired,
)
from tests.support.world import FUNCTION_KEY, Answer, Check, World, check_of

ROUNDS = 50
MAX_DELAY_SECONDS = 0.02
MAX_CALLS = 30
FINAL = {"completed", "abandoned", "canceled"}

type Row = dict[str, Any]
type Move = Callable[[App, Case], Awaitable[object]]


@pytest_asyncio.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    async with staged(world) as own:
        yield own


@pytest_asyncio.fixture
async def other_host(world: World) -> AsyncIterator[App]:
    """Build the app a second time on the same table, as a second host would."""
    assert world
    app = composition.build(settings.load(), now=composition.now)
    yield app
    await app.close()


class Round:
    """One session, and everybody at once."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.chance = random.Random(number)  # noqa: S311 - a race needs no secrets
        self.played = self.chance.choice(["realface", "spoofface", "running", None])
        self.is_stale = self.chance.random() < 0.5
        user = f"racer-{number}-{id(self)}"
        self.create = {
            "headers": {**FUNCTION_KEY, "Idempotency-Key": user},
            "json": {"deviceCorrelationId": "phone-1", "userCorrelationId": user},
        }

    async def begin(self) -> Check:
        check = check_of(await self.world.create(**self.create))
        if self.played:
            await self.world.play(check, self.played)
        if self.is_stale:
            await self.world.wait(STALE_SECONDS)
        return check

    async def run(self, check: Check, other_host: App) -> dict[str, Answer]:
        app = composition.app()
        loud = {
            "complete": self.world.complete(check),
            "complete again": self.world.complete(check, {"digest": "ab" * 32}),
            "cancel": self.world.cancel(check),
        }
        create = asyncio.create_task(self._soon(self.world.create(**self.create)))
        silent = [
            _quietly(app.flow.settle(SessionId(check.session_id), last_try=False)),
            app.sweep.run(),
            other_host.sweep.run(),
        ]
        head_start = self.chance.choice([0, 0, MAX_DELAY_SECONDS])
        answers, _ = await asyncio.gather(
            asyncio.gather(*(self._soon(call, head_start) for call in loud.values())),
            asyncio.gather(*(self._soon(call, head_start) for call in silent)),
        )
        return {
            "create": await create,
            **dict(zip(loud, answers, strict=True)),
        }

    async def _soon[T](self, call: Awaitable[T], after: float = 0) -> T:
        await asyncio.sleep(after + self.chance.uniform(0, MAX_DELAY_SECONDS))
        return await call


async def test_everybody_at_once_on_one_session_is_one_ending_and_answers_that_agree(
    world: World, other_host: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "face_liveness")
    seen = Counter[str]()
    for number in range(ROUNDS):
        race = Round(world, number)
        check = await race.begin()

        answers = await race.run(check, other_host)

        told = {name: (answer.status, _said(answer)) for name, answer in answers.items()}
        rows = _of(await world.rows(), check.session_id)
        (row,) = sessions_of(rows)
        where = f"round {number}: {race.played}, stale {race.is_stale}, {told}, {row['status']}"
        assert faults_in(rows) == [], where
        assert _disagreements(told, row["status"]) == [], where
        assert row["status"] in FINAL, where
        if race.played in {"realface", "spoofface"}:
            assert row["status"] == "completed", where
        seen.update(f"{name} {status}" for name, (status, _) in told.items())

        await world.wait(STALE_SECONDS)
        await composition.app().sweep.run()
        rows = _of(await world.rows(), check.session_id)
        (row,) = sessions_of(rows)
        assert faults_in(rows) == [], where
        assert _endings(caplog, check.session_id) == 1, where
        assert row["faceSessionId"] not in await world.at_face(), where
    assert {"complete 200", "cancel 204", "create 409"} <= seen.keys()


def _disagreements(told: dict[str, tuple[int, str]], status: str) -> list[str]:
    """Say which answers cannot be true, the session being as it is."""
    allowed = {
        "complete": {(200, status), (202, "processing")},
        "complete again": {(200, status), (202, "processing")},
        "cancel": {(204, "")},
        "create": {(409, "SessionConflict")},
    }
    return [name for name, answer in told.items() if answer not in allowed[name]]


async def _complete(app: App, case: Case) -> object:
    return (await app.flow.complete(case.session_id, case.token, Report(), lambda _: None)).status


async def _cancel(app: App, case: Case) -> None:
    await app.flow.cancel(case.session_id, case.token)


async def _settle(app: App, case: Case) -> object:
    return await _quietly(app.flow.settle(case.session_id, last_try=False))


async def _sweep(app: App, case: Case) -> None:
    # Its word is for the tally, and is no status.
    await _quietly(app.sweep.walk.handle_alarm(case.session_id))


MOVES: dict[str, Move] = {
    "complete": _complete,
    "cancel": _cancel,
    "message": _settle,
    "sweep": _sweep,
}


class _Between(Wire):
    """Lets something else happen, from its beginning to its end, after the n-th call."""

    def __init__(self, after: int, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._number = after
        self._meanwhile = meanwhile
        self.came_between: object = None

    async def carry[T](self, name: str, call: Awaitable[T]) -> T:
        answer = await super().carry(name, call)
        if len(self.calls) == self._number:
            self.came_between = await _end_of(self._meanwhile())
        return answer


@pytest.mark.parametrize("played", ["realface", "running"])
@pytest.mark.parametrize("second", MOVES)
@pytest.mark.parametrize("first", MOVES)
async def test_one_move_in_between_another_is_one_ending_and_answers_that_agree(
    stage: Stage, first: str, second: str, played: str
) -> None:
    app, other = stage.process(), stage.process()
    is_stale = "sweep" in {first, second}
    for number in range(1, MAX_CALLS):
        case = await stage.case(app, key="k1")
        await stage.world.play(case.check, played)
        if is_stale:
            await stage.world.wait(STALE_SECONDS)
        between = _Between(number, partial(MOVES[second], other, case))

        end = await _end_of(MOVES[first](wired(stage, app, between), case))

        rows = _of(await stage.rows(), case.session_id)
        (row,) = sessions_of(rows)
        where = f"{between.calls[:number]} then {between.came_between!r}; {end!r}, {row['status']}"
        assert faults_in(rows) == [], where
        ends = {end, between.came_between} & FINAL
        assert ends <= {row["status"]}, where
        if played == "realface":
            assert row["status"] == "completed", where
        if len(between.calls) < number:
            break
    await stage.sweep_after(app, STALE_SECONDS, 4000)
    ended = Counter(str(facts["session_id"]) for facts in stage.notes.named("session ended"))

    rows = sessions_of(await stage.rows())
    assert ended == {row["RowKey"].removeprefix("session-"): 1 for row in rows}
    assert all(all_clean(row) for row in rows)
    assert {row["faceSessionId"] for row in rows} & await stage.world.at_face() == set()


async def test_two_sweeps_at_once_record_each_session_once(stage: Stage) -> None:
    one, two = stage.process(), stage.process()
    checked = [await stage.case(one) for _ in range(8)]
    for case in checked:
        await stage.play(case)
    nobodys = [await stage.case(one) for _ in range(8)]
    canceled = [await stage.case(one, key="k1") for _ in range(8)]
    await stage.world.fail("delete", times=8, status=503)
    for case in canceled:
        await one.flow.cancel(case.session_id, case.token)
    stage.notes.facts.clear()

    await stage.world.wait(STALE_SECONDS)
    await asyncio.gather(one.sweep.run(), two.sweep.run())

    ended = Counter(facts["session_id"] for facts in stage.notes.named("session ended"))
    assert ended == {case.session_id: 1 for case in (*checked, *nobodys)}
    assert {await stage.ending(case.session_id) for case in checked} == {("completed", "passed")}
    assert {await stage.ending(case.session_id) for case in nobodys} == {("abandoned", None)}
    rows = await stage.rows()
    assert faults_in(rows) == []
    assert all(all_clean(row) for row in sessions_of(rows))


async def test_two_sweeps_at_once_take_each_record_away_once_and_report_no_failure(
    stage: Stage,
) -> None:
    one, two = stage.process(), stage.process()
    for _ in range(16):
        case = await stage.case(one, key="k1")
        await one.flow.cancel(case.session_id, case.token)

    await stage.world.wait(RETENTION_SECONDS + 1)
    await asyncio.gather(one.sweep.run(), two.sweep.run())

    assert await stage.rows() == []
    assert stage.notes.named("session failed") == []
    assert [facts["failed"] for facts in stage.notes.named("sweep ended")] == [0, 0]


async def _quietly(call: Awaitable[object]) -> object:
    """Leave to the platform what the platform would repeat, and to the next sweep the rest."""
    try:
        return await call
    except AppError:
        return None


async def _end_of(call: Awaitable[object]) -> object:
    try:
        return await call
    except AppError as error:
        return type(error).__name__


def _said(answer: Answer) -> str:
    if not answer.text:
        return ""
    return answer.code if answer.status >= 400 else str(answer.body["status"])


def _of(rows: Iterable[Row], session_id: str) -> list[Row]:
    """Choose one session's rows: itself, its alarms, its key and that one's alarm, its count."""
    rows = list(rows)
    names = {session_id}
    for row in rows:
        if row["RowKey"] == f"session-{session_id}":
            names.add(row["personSha256"])
        if row.get("sessionId") == session_id:
            names.add(row["RowKey"])
    return [row for row in rows if any(name in row["RowKey"] for name in names)]


def _endings(caplog: pytest.LogCaptureFixture, session_id: str) -> int:
    told = [record.getMessage() for record in caplog.records]
    return sum(line.startswith("session ended") and session_id in line for line in told)
