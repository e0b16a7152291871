"""One person's token cannot use up everybody's rate, and a session has one chain of messages."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import INFO
from random import Random

import pytest

from shared.app import App
from shared.errors import FaceUnavailableError
from shared.session.session import Report, Status
from tests.support.app_tasks import tasks_of_the_app
from tests.support.builders import (
    DIGEST,
    NOW,
    SESSION_ID,
    TOKEN,
    a_passing_answer,
    a_running_answer,
)
from tests.support.stage import Stage
from tests.unit.flow.states import STARTED

TICK = timedelta(milliseconds=100)


async def complete(app: App, report: Report | None = None) -> Status:
    return (await app.flow.complete(SESSION_ID, TOKEN, report or Report())).status


async def test_a_session_is_looked_at_once_in_two_seconds_then_four_up_to_thirty(
    stage: Stage,
) -> None:
    app, looked_at = stage.at(STARTED, a_running_answer()).app, list[float]()
    while len(looked_at) < 8:
        before = len(stage.face_calls)
        assert await complete(app) is Status.PROCESSING
        if len(stage.face_calls) > before:
            looked_at.append((stage.clock.moment - NOW) / timedelta(seconds=1))
        stage.clock.advance(TICK)

    assert looked_at == [0, 2, 6, 14, 30, 60, 90, 120]
    assert stage.messages == [2, 4, 8, 16]


@pytest.mark.parametrize("digest", [None, DIGEST])
async def test_sixty_completions_in_two_seconds_make_at_most_two_looks(
    digest: str | None, stage: Stage
) -> None:
    app = stage.at(STARTED, a_running_answer()).app
    for number in range(20):
        report = Report(digest=digest if number > 3 else None)
        told = await asyncio.gather(*(complete(app, report) for _ in range(3)))
        assert set(told) == {Status.PROCESSING}
        stage.clock.advance(TICK)

    assert len(stage.face_calls) == (2 if digest else 1)
    assert stage.messages == [2]
    assert stage.session.report.digest == digest


async def test_a_digest_that_comes_too_soon_for_another_look_is_kept(stage: Stage) -> None:
    app = stage.at(STARTED, a_running_answer()).app
    await complete(app, Report(digest="0" * 64))
    await complete(app, Report(digest=DIGEST))

    assert (len(stage.face_calls), stage.session.report.digests_differ) == (1, True)


async def test_those_who_ask_at_the_same_moment_share_one_look_and_one_delete(
    stage: Stage,
) -> None:
    app = stage.at(STARTED, a_passing_answer()).app

    told = await asyncio.gather(*(complete(app) for _ in range(60)))

    assert set(told) == {Status.COMPLETED}
    assert stage.face_calls == ["get", "delete"]


async def test_those_who_share_a_look_share_its_failure(stage: Stage) -> None:
    stage.at(STARTED, None).faults.fail("get", FaceUnavailableError("down"))
    app = stage.app

    told = await asyncio.gather(
        *(complete(app) for _ in range(5)),
        *(app.flow.cancel(SESSION_ID, TOKEN) for _ in range(5)),
        return_exceptions=True,
    )

    assert told[:5] == [Status.PROCESSING] * 5
    assert {type(one) for one in told[5:]} == {FaceUnavailableError}
    assert (stage.face_calls, stage.messages) == (["get"], [2])


async def test_whoever_gives_up_waiting_takes_the_look_from_nobody(stage: Stage) -> None:
    app = stage.at(STARTED, a_passing_answer()).app
    first = asyncio.create_task(complete(app))
    second = asyncio.create_task(complete(app))
    stage.faults.fail_next("get", first.cancel)

    assert await second is Status.COMPLETED
    assert stage.face_calls.count("get") == 1


@dataclass
class Delivery:
    """Messages that are delivered once they are visible, some of them twice, by two processes."""

    stage: Stage
    rng: Random
    begins: int = 0

    async def deliver(self, apps: list[App]) -> None:
        """Deliver what is visible now."""
        due = [
            number
            for number, (sent_at, delay) in enumerate(self._sent)
            if sent_at + delay <= self.stage.clock.moment
        ]
        for number in due:
            self._sent[number] = self.stage.clock.moment, timedelta(days=1)
            times = self.rng.choice([1, 1, 2, 3])
            await asyncio.gather(
                *(self.rng.choice(apps).queue_flow.settle(SESSION_ID) for _ in range(times))
            )

    def collect(self) -> None:
        """Note when each new message was sent."""
        new = self.stage.queue.sent[len(self._sent) :]
        self._sent += [(self.stage.clock.moment, delay) for _, delay in new]

    def __post_init__(self) -> None:
        self._sent: list[tuple[datetime, timedelta]] = []


@pytest.mark.parametrize("seed", range(12))
async def test_redeliveries_two_hosts_and_repeated_completions_make_one_chain(
    seed: int, stage: Stage
) -> None:
    rng = Random(seed)  # noqa: S311 - to be replayed
    stage.at(STARTED, a_running_answer())
    delivery, apps = Delivery(stage, rng), [stage.process(), stage.process()]
    reports = [Report(), Report(digest=DIGEST), Report(liveness_error="TimedOut")]

    for _ in range(150):
        if rng.random() < 0.3:
            await asyncio.gather(
                *(complete(rng.choice(apps), rng.choice(reports)) for _ in range(rng.randint(1, 6)))
            )
        delivery.collect()
        await delivery.deliver(apps)
        delivery.collect()
        stage.clock.advance(4 * TICK)

    # A minute: looks at 2, 4, 8, 16 and 30 seconds, and errors that ask for another now and then.
    assert len(stage.queue.sent) <= 60 / 2
    assert stage.face.calls.count("get") <= 2 * len(stage.queue.sent) + 4


async def test_an_app_that_is_closed_has_ended_its_looks(stage: Stage) -> None:
    async def never_answer() -> None:
        await asyncio.Event().wait()

    stage.at(STARTED, a_passing_answer()).face.on_call = never_answer
    app = stage.app
    callers = {
        asyncio.create_task(complete(app)),
        asyncio.create_task(app.readiness.check()),
    }
    for _ in range(20):
        await asyncio.sleep(0)
    assert stage.face.calls == ["get", "get"]

    await app.close()

    assert tasks_of_the_app() <= callers
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(end) for end in ends} == {asyncio.CancelledError}


async def test_a_check_that_is_merely_not_over_is_no_trouble_to_anybody(stage: Stage) -> None:
    app, moment = stage.at(STARTED, a_running_answer()).app, stage.clock.moment
    await complete(app)
    for seconds in (2, 6, 14, 30):
        stage.clock.moment = moment + timedelta(seconds=seconds)
        await app.queue_flow.settle(SESSION_ID)
    stage.clock.moment = moment + timedelta(minutes=1)
    await app.sweep.run()

    assert stage.face_calls == ["get"] * 6
    told = {(name, facts.get("level", INFO)) for name, facts in stage.events.facts}
    assert told == {("asked again later", INFO), ("sweep ended", INFO)}
