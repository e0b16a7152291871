from collections import deque
from dataclasses import dataclass, field

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.face import retry
from shared.face.breaker import Breaker

AGAIN = FaceUnavailableError("down", is_retryable=True)


def asking_for(seconds: int) -> FaceUnavailableError:
    return FaceUnavailableError("busy", retry_after_seconds=seconds, is_retryable=True)


@dataclass
class Tries:
    """What each try comes to, and what was waited for."""

    outcomes: deque[Exception | str]
    made: int = 0
    waits: list[float] = field(default_factory=list)
    now: float = 0.0
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(lambda: self.now)

    async def call(self) -> str:
        self.made += 1
        with self.breaker.guard():
            outcome = self.outcomes.popleft()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def run(self, budget_seconds: float = 60) -> str:
        return await retry.run(
            self.call, self.breaker, budget_seconds=budget_seconds, sleep=self.sleep
        )

    async def open(self, error: Exception, times: int) -> None:
        """Let others fail before."""
        self.outcomes.extendleft([error] * times)
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.call()
        self.made = 0


def tries(*outcomes: Exception | str) -> Tries:
    return Tries(deque(outcomes))


async def test_what_works_at_once_waits_for_nothing() -> None:
    story = tries("done")

    assert await story.run() == "done"
    assert story.waits == []


async def test_a_call_is_repeated_at_most_twice() -> None:
    story = tries(AGAIN, AGAIN, AGAIN, "never")

    with pytest.raises(FaceUnavailableError, match="down"):
        await story.run()

    assert (story.made, len(story.waits)) == (3, 2)


async def test_a_wait_is_a_matter_of_chance_in_a_window_that_doubles() -> None:
    stories = [tries(AGAIN, AGAIN, "done") for _ in range(50)]
    for story in stories:
        assert await story.run() == "done"

    first, second = zip(*(story.waits for story in stories), strict=True)
    assert 0 <= min(first) <= max(first) <= 0.25 < max(second) <= 0.5
    assert len(set(first)) == 50


async def test_the_wait_that_face_asks_for_has_a_chance_of_more_on_top() -> None:
    stories = [tries(asking_for(7), "done") for _ in range(50)]
    for story in stories:
        assert await story.run() == "done"

    waits = [wait for story in stories for wait in story.waits]
    assert 7 <= min(waits) <= max(waits) <= 7.25
    assert len(set(waits)) == 50


@pytest.mark.parametrize(
    "error",
    [
        FaceUnavailableError("maybe done"),
        FaceRefusedError("no"),
        KeyUnavailableError("no key"),
        ZeroDivisionError(),
    ],
    ids=repr,
)
async def test_what_is_no_use_repeating_is_not_repeated(error: Exception) -> None:
    story = tries(error, "never")

    with pytest.raises(type(error)) as caught:
        await story.run()

    assert (caught.value, story.made, story.waits) == (error, 1, [])


@pytest.mark.parametrize("budget_seconds", [7, 7.2])
async def test_a_wait_that_would_leave_no_time_for_a_try_is_not_begun(
    budget_seconds: float,
) -> None:
    story = tries(asking_for(7), "never")

    with pytest.raises(FaceUnavailableError, match="busy"):
        await story.run(budget_seconds)

    assert story.waits == []


DOWN = FaceUnavailableError("Face said 503", face_status=503, is_retryable=True)


def throttled(seconds: int | None = None) -> FaceUnavailableError:
    return FaceUnavailableError(
        "Face said 429", face_status=429, retry_after_seconds=seconds, is_retryable=True
    )


@pytest.mark.parametrize(("error", "times"), [(DOWN, 5), (throttled(), 1)], ids=["down", "busy"])
async def test_who_comes_to_an_open_breaker_is_told_so_at_once(
    error: FaceUnavailableError, times: int
) -> None:
    story = tries("never")
    await story.open(error, times)

    with pytest.raises(FaceUnavailableError) as caught:
        await story.run()

    assert caught.value.is_breaker_open
    assert (story.made, story.waits) == (1, [])


async def test_a_failure_that_opens_the_breaker_is_not_repeated() -> None:
    story = tries(DOWN, "never")
    await story.open(DOWN, 4)

    with pytest.raises(FaceUnavailableError, match=r"^Face said 503$"):
        await story.run()

    assert (story.made, story.waits) == (1, [])


async def test_the_probe_is_one_try() -> None:
    story = tries(DOWN, "never")
    await story.open(DOWN, 5)
    story.now += 2

    with pytest.raises(FaceUnavailableError, match=r"^Face said 503$"):
        await story.run()

    assert (story.made, story.waits) == (1, [])


async def test_whom_face_turns_away_waits_at_least_as_long_as_its_breaker_is_open() -> None:
    story = tries(throttled(), throttled(3), "done")

    assert await story.run() == "done"
    first, second = story.waits
    assert 1 <= first <= 1.25
    assert 3 <= second <= 3.5


async def test_whom_face_turned_away_waits_on_while_another_tries_it() -> None:
    story = tries(throttled(), "done")
    probes = [story.breaker.guard()]

    async def sleep(seconds: float) -> None:
        await story.sleep(seconds)
        if len(story.waits) == 1:
            probes[0].__enter__()
        else:
            probes[0].__exit__(None, None, None)

    made = await retry.run(story.call, story.breaker, budget_seconds=60, sleep=sleep)

    assert (made, story.made, len(story.waits)) == ("done", 3, 2)
