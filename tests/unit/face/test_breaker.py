import asyncio
import gc
import weakref
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import (
    AppError,
    FaceOutcomeUnknownError,
    FaceRefusedError,
    FaceUnavailableError,
    InvalidRequestError,
    KeyUnavailableError,
)
from shared.face.breaker import Breaker
from tests.support import virtual_time

TIME_OUT = FaceUnavailableError("Face could not be reached: TimeoutError")
BUSY = FaceUnavailableError("Face said 503", face_status=503)
FORBIDDEN = FaceRefusedError("Face said 403", face_status=403)
THROTTLED = FaceUnavailableError("Face said 429", face_status=429)

# What concerns everybody, what concerns one call, and what tells nothing of Face.
FAILURES = [
    TIME_OUT,
    BUSY,
    FORBIDDEN,
    FaceUnavailableError("Face said 500", face_status=500),
    FaceUnavailableError("Face said 307", face_status=307),
    FaceRefusedError("Face said 401", face_status=401),
    FaceRefusedError("Face said 404", face_status=404),
]
SUCCESSES = [
    None,
    InvalidRequestError("Face does not take this request"),
    FaceRefusedError("Face said 400 BadRequest", face_status=400),
    FaceRefusedError("Face said 409", face_status=409),
]
NO_NEWS = [
    KeyUnavailableError("the vault gave no key"),
    FaceRefusedError("Face said 401 before", face_status=401, is_breaker_open=True),
    ZeroDivisionError(),
]

type End = Exception | None


@dataclass
class Stage:
    """A breaker on a clock that only the test turns."""

    now: float = 1000.0
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(lambda: self.now)

    def call(self, end: End) -> None:
        """Make a call that ends at once."""
        with suppress(AppError, ZeroDivisionError), self.breaker.guard():
            if end:
                raise end

    def begin(self) -> "Call":
        call = Call(self.breaker.guard())
        call.guard.__enter__()
        return call

    def fail(self, times: int = 5, end: End = BUSY) -> None:
        for _ in range(times):
            self.call(end)

    def refusal(self) -> FaceOutcomeUnknownError | None:
        """Return what a call meets that Face is not asked for."""
        try:
            self.breaker.check()
        except FaceOutcomeUnknownError as error:
            return error
        return None

    def wait_told(self) -> int | None:
        refusal = self.refusal()
        return refusal.retry_after_seconds if refusal else None


@dataclass
class Call:
    """A call on its way."""

    guard: AbstractContextManager[None]

    def end(self, end: BaseException | None = None) -> None:
        with suppress(BaseException):
            self.guard.__exit__(type(end) if end else None, end, None)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_five_failures_in_a_row_open_it_for_two_seconds(stage: Stage, failure: AppError) -> None:
    stage.fail(4, failure)
    assert stage.refusal() is None

    stage.fail(1, failure)
    assert stage.wait_told() == 2

    stage.now += 1.9
    assert stage.wait_told() == 1
    stage.now += 0.1
    assert stage.refusal() is None


@pytest.mark.parametrize("success", SUCCESSES, ids=str)
def test_what_face_says_of_one_call_ends_a_row_of_failures(stage: Stage, success: End) -> None:
    stage.fail(4)
    stage.call(success)
    stage.fail(4)

    assert stage.breaker.is_closed


@pytest.mark.parametrize("end", NO_NEWS, ids=repr)
def test_a_call_that_never_came_to_face_neither_ends_a_row_nor_lengthens_it(
    stage: Stage, end: Exception
) -> None:
    stage.fail(4)
    stage.fail(9, end)
    assert stage.breaker.is_closed

    stage.fail(1)
    assert not stage.breaker.is_closed


@pytest.mark.parametrize("failure", [TIME_OUT, BUSY, FORBIDDEN], ids=str)
def test_an_open_breaker_answers_as_what_opened_it(
    stage: Stage, failure: FaceOutcomeUnknownError
) -> None:
    stage.fail(4, TIME_OUT)
    stage.fail(1, failure)

    refusal = stage.refusal()

    assert refusal is not None
    assert (type(refusal), refusal.face_status) == (type(failure), failure.face_status)
    assert str(refusal) == f"{failure}, and is left alone"
    assert refusal.is_breaker_open
    with pytest.raises(type(failure)), stage.breaker.guard():
        pytest.fail("a call went through")


def test_each_probe_that_fails_doubles_the_pause_up_to_eight_seconds(stage: Stage) -> None:
    stage.fail()
    pauses, told = list[int | None](), list[int | None]()
    for _ in range(4):
        pauses.append(stage.wait_told())
        stage.now += stage.wait_told() or 0
        stage.fail(1, error := FaceUnavailableError("Face said 500"))
        told.append(error.retry_after_seconds)

    assert pauses == [2, 4, 8, 8]
    # Who has tried it in vain is told the same as those who come after him.
    assert told == [4, 8, 8, 8]


@pytest.mark.parametrize("success", SUCCESSES, ids=str)
def test_a_probe_that_succeeds_makes_all_as_it_was(stage: Stage, success: End) -> None:
    stage.fail()
    stage.now += 2
    stage.fail(1)
    stage.now += 4

    stage.call(success)
    assert stage.breaker.is_closed

    stage.fail()
    assert stage.wait_told() == 2


def test_one_call_is_the_probe_and_all_others_are_refused_at_once(stage: Stage) -> None:
    stage.fail()
    stage.now += 2
    probe = stage.begin()

    assert [stage.wait_told() for _ in range(3)] == [1, 1, 1]

    probe.end()
    assert stage.refusal() is None


@pytest.mark.parametrize(
    "end", [*NO_NEWS, KeyboardInterrupt(), GeneratorExit()], ids=lambda end: type(end).__name__
)
def test_a_probe_without_news_makes_room_for_the_next(stage: Stage, end: BaseException) -> None:
    stage.fail()
    stage.now += 2
    stage.begin().end(end)

    assert (stage.breaker.is_closed, stage.refusal()) == (False, None)


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, 1), (0, 1), (1, 1), (7, 7), (30, 30), (31, 30), (3600, 30)]
)
def test_one_429_opens_it_for_as_long_as_face_asks_within_bounds(
    stage: Stage, asked: int | None, wait: int
) -> None:
    stage.call(FaceUnavailableError("Face said 429", face_status=429, retry_after_seconds=asked))

    assert stage.wait_told() == wait
    stage.now += wait
    assert stage.refusal() is None
    # Its probe decides at once, as after failures in a row.
    stage.call(BUSY)
    assert stage.wait_told() == 2


def test_a_wait_that_face_asks_for_is_neither_shortened_nor_forgotten(stage: Stage) -> None:
    late = [stage.begin() for _ in range(2)]
    stage.fail()
    late[0].end(FaceUnavailableError("Face said 429", face_status=429, retry_after_seconds=20))
    late[1].end(THROTTLED)

    assert stage.wait_told() == 20


@pytest.mark.parametrize("end", [None, BUSY], ids=["success", "failure"])
def test_a_call_that_began_before_it_opened_tells_nothing_of_now(stage: Stage, end: End) -> None:
    late = stage.begin()
    stage.fail()
    late.end(end)
    assert stage.wait_told() == 2

    stage.now += 2
    assert stage.refusal() is None


def test_a_breaker_that_is_open_keeps_nothing_of_the_call_that_opened_it(stage: Stage) -> None:
    class Request:
        """What a call holds while it runs: keys, ids, an image."""

    def call() -> "weakref.ref[Request]":
        request = Request()
        with suppress(FaceUnavailableError), stage.breaker.guard():
            raise FaceUnavailableError("Face said 429", face_status=429)
        return weakref.ref(request)

    kept = call()
    gc.collect()

    assert not stage.breaker.is_closed
    assert kept() is None


WAITS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 31.0])
ENDS = st.sampled_from([*FAILURES, *SUCCESSES, *NO_NEWS, THROTTLED, GeneratorExit()])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), WAITS),
        st.tuples(st.just("begin"), st.none()),
        st.tuples(st.just("end"), st.tuples(st.integers(0, 9), ENDS)),
    ),
    max_size=80,
)


@dataclass
class Traffic:
    """Calls that begin and end at any time, as far as they are let through."""

    stage: Stage = field(default_factory=Stage)
    flying: list[Call] = field(default_factory=list)
    # Those on their way that began since the breaker opened.
    probes: set[int] = field(default_factory=set)

    def wait(self, seconds: float) -> None:
        self.stage.now += seconds

    def begin(self, _: object) -> None:
        was_closed = self.stage.breaker.is_closed
        if self.stage.refusal() is None:
            self.flying.append(self.stage.begin())
            self.probes |= set() if was_closed else {id(self.flying[-1])}

    def end(self, which: tuple[int, BaseException | None]) -> None:
        if self.flying:
            call = self.flying.pop(which[0] % len(self.flying))
            call.end(which[1])
            self.probes.discard(id(call))


@given(steps=STEPS)
@settings(max_examples=400, deadline=None)
def test_whatever_happens_at_most_one_call_tries_a_face_that_is_left_alone(
    steps: list[tuple[str, object]],
) -> None:
    traffic = Traffic()

    for step, detail in steps:
        getattr(traffic, step)(detail)

        assert len(traffic.probes) <= 1
        refusal = traffic.stage.refusal()
        if refusal is not None:
            assert refusal.is_breaker_open
            assert 1 <= (refusal.retry_after_seconds or 0) <= 30
        assert (refusal is None) or not traffic.stage.breaker.is_closed
        assert (refusal is not None) or not traffic.probes or traffic.stage.breaker.is_closed


@given(ends=st.lists(ENDS, max_size=60))
@settings(max_examples=200, deadline=None)
def test_whoever_comes_back_when_told_to_is_let_through(ends: list[BaseException | None]) -> None:
    stage = Stage()

    for end in ends:
        stage.now += stage.wait_told() or 0
        assert stage.refusal() is None
        stage.begin().end(end)


def test_time_is_the_running_loops() -> None:
    async def open_and_wait() -> list[float]:
        breaker = Breaker()
        with suppress(FaceUnavailableError), breaker.guard():
            raise THROTTLED
        remaining = [breaker.remaining_seconds]
        await asyncio.sleep(0.25)
        return [*remaining, breaker.remaining_seconds]

    assert virtual_time.run(open_and_wait()) == [1, 0.75]
