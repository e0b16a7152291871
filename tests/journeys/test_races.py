"""Everybody at once on one session, over HTTP and on two hosts, meeting by chance.

tests/unit/flow/test_races.py goes through every place where one flow can come in between another.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable

import pytest
import pytest_asyncio

from shared import composition, settings
from shared.app import App
from shared.errors import AppError
from shared.session.ids import SessionId
from tests.support.constants import FINAL, FUNCTION_KEY, STALE_SECONDS
from tests.support.rows import flaws_in, rows_of, sessions_of
from tests.support.world import Answer, Check, World, check_of

pytestmark = pytest.mark.own_host

ROUNDS = 12
MAX_DELAY_SECONDS = 0.02


@pytest_asyncio.fixture
async def other_host(world: World) -> AsyncIterator[App]:
    """Build the app a second time on the same table, as a second host would."""
    app = composition.build(settings.load(), now=world.stack.clock.now)
    yield app
    await app.close()


class Round:
    """One session, and everybody at once."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.random = random.Random(number)  # noqa: S311 - a race needs no secrets
        self.played = ["realface", "spoofface", "running", None][number % 4]
        self.is_stale = self.random.random() < 0.5
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
        told = {
            "complete": self.world.complete(check),
            "complete again": self.world.complete(check, {"digest": "ab" * 32}),
            "cancel": self.world.cancel(check),
            "create": self.world.create(**self.create),
        }
        silent = [
            _leave_to_the_platform(app.queue_flow.settle(SessionId(check.session_id))),
            app.sweep.run(),
            other_host.sweep.run(),
        ]
        head_start = self.random.choice([0, 0, MAX_DELAY_SECONDS])
        answers, _ = await asyncio.gather(
            asyncio.gather(*(self._soon(call, head_start) for call in told.values())),
            asyncio.gather(*(self._soon(call) for call in silent)),
        )
        return dict(zip(told, answers, strict=True))

    async def _soon[T](self, call: Awaitable[T], after: float = 0) -> T:
        await asyncio.sleep(after + self.random.uniform(0, MAX_DELAY_SECONDS))
        return await call


async def test_everybody_at_once_on_one_session_is_one_ending_and_answers_that_agree(
    world: World, other_host: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "face_liveness")
    for number in range(ROUNDS):
        race = Round(world, number)
        check = await race.begin()

        answers = await race.run(check, other_host)

        told = {name: (answer.status, _said(answer)) for name, answer in answers.items()}
        rows = rows_of(await world.rows(), check.session_id)
        (row,) = sessions_of(rows)
        where = f"round {number}: {race.played}, stale {race.is_stale}, {told}, {row['status']}"
        assert flaws_in(rows) == [], where
        assert _disagreements(told, row["status"]) == [], where
        assert row["status"] in ({"completed"} if is_over(race) else FINAL), where
        await _assert_ended_once(world, check, caplog, where)


def is_over(race: Round) -> bool:
    return race.played in {"realface", "spoofface"}


async def _assert_ended_once(
    world: World, check: Check, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    await world.wait(STALE_SECONDS)
    await composition.app().sweep.run()
    rows = rows_of(await world.rows(), check.session_id)
    (row,) = sessions_of(rows)
    lines = [record.getMessage() for record in caplog.records]
    endings = [
        line for line in lines if line.startswith("session ended") and check.session_id in line
    ]
    assert flaws_in(rows) == [], where
    assert len(endings) == 1, where
    assert row["faceSessionId"] not in await world.at_face(), where


def _disagreements(told: dict[str, tuple[int, str]], status: str) -> list[str]:
    """Say which answers cannot be true, the session being as it is."""
    allowed = {
        "complete": {(200, status), (202, "processing")},
        "complete again": {(200, status), (202, "processing")},
        "cancel": {(204, "")},
        "create": {(201, "started"), (409, "SessionConflict")},
    }
    return [name for name, answer in told.items() if answer not in allowed[name]]


async def _leave_to_the_platform(call: Awaitable[object]) -> None:
    """Let go of a message as it fails: the platform would repeat it."""
    try:
        await call
    except AppError:
        return


def _said(answer: Answer) -> str:
    if not answer.text:
        return ""
    return answer.code if answer.status >= 400 else str(answer.body["status"])
