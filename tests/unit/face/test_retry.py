from collections import deque
from dataclasses import dataclass, field

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.face import retry

AGAIN = FaceUnavailableError("down", is_retryable=True)


def asking_for(seconds: int) -> FaceUnavailableError:
    return FaceUnavailableError("busy", retry_after_seconds=seconds, is_retryable=True)


@dataclass
class Tries:
    """What each try comes to, and what was waited for."""

    outcomes: deque[Exception | str]
    made: int = 0
    waits: list[float] = field(default_factory=list)

    async def call(self) -> str:
        self.made += 1
        outcome = self.outcomes.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self, budget_seconds: float = 60) -> str:
        return await retry.run(self.call, budget_seconds=budget_seconds, sleep=self.sleep)


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
