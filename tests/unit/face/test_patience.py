from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.face.patience import Patience

AGAIN = FaceUnavailableError("down", is_retryable=True)


@dataclass
class Tries:
    """What each try comes to, and what was waited for."""

    outcomes: deque[Exception | str]
    jitter: Callable[[], float] = lambda: 1.0
    left: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def call(self, seconds: float) -> str:
        self.left.append(seconds)
        outcome = self.outcomes.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def spend(self, budget_seconds: float = 60) -> str:
        patience = Patience(budget_seconds=budget_seconds, jitter=self.jitter, sleep=self.sleep)
        return await patience.run(self.call)


def tries(*outcomes: Exception | str) -> Tries:
    return Tries(deque(outcomes))


async def test_what_works_at_once_waits_for_nothing() -> None:
    story = tries("done")

    assert await story.spend() == "done"
    assert story.waits == []


async def test_waits_double_up_to_four_seconds() -> None:
    story = tries(*[AGAIN] * 7, "done")

    assert await story.spend() == "done"
    assert story.waits == [0.25, 0.5, 1, 2, 4, 4, 4]


async def test_a_wait_is_a_matter_of_luck_from_nothing_to_all_of_it() -> None:
    luck = deque([0.0, 0.5, 1.0])
    story = tries(*[AGAIN] * 3, "done")
    story.jitter = luck.popleft
    await story.spend()

    assert story.waits == [0, 0.25, 1]


async def test_face_itself_says_how_long_to_wait() -> None:
    story = tries(
        FaceUnavailableError("busy", retry_after_seconds=7, is_retryable=True), AGAIN, "done"
    )
    await story.spend()

    assert story.waits == [7, 0.5]


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

    with pytest.raises(type(error)):
        await story.spend()

    assert story.waits == []


async def test_a_wait_that_would_outlast_the_budget_is_not_begun() -> None:
    story = tries(FaceUnavailableError("busy", retry_after_seconds=10, is_retryable=True))

    with pytest.raises(FaceUnavailableError, match="busy"):
        await story.spend(10)

    assert story.waits == []


async def test_a_try_is_told_what_is_left_of_the_budget() -> None:
    story = tries(AGAIN, AGAIN, "done")
    await story.spend(60)

    assert len(story.left) == 3
    assert [60, *story.left] == sorted([60, *story.left], reverse=True)
