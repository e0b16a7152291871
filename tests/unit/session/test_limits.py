from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.session.ids import SessionId
from shared.session.ledger import Entry, EntryType, Ledger, Slot, Unlock
from shared.session.limits import (
    NO_LIMITS,
    Limit,
    Limits,
    Refusal,
    choose_slot,
    find_refusal,
    locked_by,
    locked_until,
)
from shared.session.session import Kind
from tests.support.builders import NOW, SESSION_ID

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = 24 * HOUR
TICK = timedelta(microseconds=1)
LIMITS = Limits(max_open_sessions=5, max_starts_per_hour=20, max_failures=5)
ATTEMPTS = {Limit.FAILURES, Limit.STARTS}


def entry(what: EntryType, ago: timedelta, kind: Kind = Kind.LIVENESS) -> Entry:
    return Entry(type=what, kind=kind, at=NOW - ago, session_id=SESSION_ID)


def failures(*ago: timedelta, kind: Kind = Kind.LIVENESS) -> tuple[Entry, ...]:
    return tuple(entry(EntryType.FAILURE, one, kind) for one in ago)


def starts(*ago: timedelta) -> tuple[Entry, ...]:
    return tuple(entry(EntryType.START, one) for one in ago)


def slots(*left: timedelta) -> tuple[Slot, ...]:
    return tuple(
        Slot(number=number, session_id=SESSION_ID, ends_at=NOW + one, version=f"v{number}")
        for number, one in enumerate(left)
    )


def wait(ledger: Ledger, limits: Limits = LIMITS) -> timedelta | None:
    until = locked_until(ledger, limits, NOW)
    return until - NOW if until else None


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, None),
        (4, None),
        (5, MINUTE),
        (6, 2 * MINUTE),
        (7, 4 * MINUTE),
        (10, 32 * MINUTE),
        (15, 1024 * MINUTE),
        (16, DAY),
        (17, DAY),
        (500, DAY),
    ],
)
def test_after_the_fifth_failure_in_a_row_the_wait_is_a_minute_and_doubles_up_to_a_day(
    count: int, expected: timedelta | None
) -> None:
    assert wait(Ledger(entries=failures(*[timedelta()] * count))) == expected


def test_a_failure_that_is_a_day_old_counts_no_more() -> None:
    four = failures(*[timedelta()] * 4)

    assert wait(Ledger(entries=(*four, *failures(DAY)))) is None
    assert wait(Ledger(entries=(*four, *failures(DAY - TICK)))) == TICK


def test_the_wait_grows_shorter_as_the_oldest_failures_grow_too_old() -> None:
    half_a_day = failures(*[timedelta()] * 13)

    assert wait(Ledger(entries=half_a_day)) == 256 * MINUTE
    one_goes_soon = (*half_a_day, *failures(DAY - 10 * MINUTE))
    assert wait(Ledger(entries=one_goes_soon)) == 256 * MINUTE
    one_goes_late = (*half_a_day, *failures(DAY - 300 * MINUTE))
    assert wait(Ledger(entries=one_goes_late)) == 300 * MINUTE
    one_goes_too_late = (*half_a_day, *failures(DAY - 600 * MINUTE))
    assert wait(Ledger(entries=one_goes_too_late)) == 512 * MINUTE


@pytest.mark.parametrize(
    ("failed", "passed", "is_forgiven"),
    [
        (Kind.LIVENESS, Kind.LIVENESS, True),
        (Kind.LIVENESS, Kind.LIVENESS_WITH_VERIFY, True),
        (Kind.LIVENESS_WITH_VERIFY, Kind.LIVENESS_WITH_VERIFY, True),
        (Kind.LIVENESS_WITH_VERIFY, Kind.LIVENESS, False),
    ],
)
def test_a_pass_ends_the_failures_of_its_kind_and_a_verified_one_all(
    failed: Kind, passed: Kind, *, is_forgiven: bool
) -> None:
    failed_often = failures(*[30 * SECOND] * 5, kind=failed)
    a_pass = entry(EntryType.PASS, 20 * SECOND, passed)

    assert (wait(Ledger(entries=(*failed_often, a_pass))) is None) == is_forgiven


@pytest.mark.parametrize("kind", Kind)
def test_an_unlock_ends_the_failures_of_either_kind_until_then(kind: Kind) -> None:
    failed_often = failures(*[30 * SECOND] * 5, kind=kind)

    assert wait(Ledger(entries=failed_often, unlock=Unlock(at=NOW - 30 * SECOND))) is None
    assert wait(Ledger(entries=failed_often, unlock=Unlock(at=NOW - 31 * SECOND))) == 30 * SECOND


def test_a_person_starts_no_more_than_so_often_within_an_hour() -> None:
    nineteen = starts(*[(number + 1) * MINUTE for number in range(19)])

    assert find_refusal(Ledger(entries=nineteen), LIMITS, NOW) is None
    assert find_refusal(Ledger(entries=(*nineteen, *starts(HOUR))), LIMITS, NOW) is None
    assert find_refusal(Ledger(entries=(*nineteen, *starts(59 * MINUTE))), LIMITS, NOW) == Refusal(
        limit=Limit.STARTS, until=NOW + MINUTE
    )


def test_of_starts_beyond_the_limit_as_many_must_be_an_hour_old_as_make_room() -> None:
    limits = replace(LIMITS, max_starts_per_hour=2)
    overrun = starts(10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 40 * MINUTE)

    assert find_refusal(Ledger(entries=overrun), limits, NOW) == Refusal(
        limit=Limit.STARTS, until=NOW + 50 * MINUTE - 10 * MINUTE
    )


def test_a_person_has_no_more_open_sessions_than_so_many_until_the_oldest_ends() -> None:
    four = slots(*[300 * SECOND] * 4)
    five = slots(*[300 * SECOND] * 4, 7 * SECOND)

    assert find_refusal(Ledger(slots=four), LIMITS, NOW) is None
    assert find_refusal(Ledger(slots=(*four, Slot(number=4))), LIMITS, NOW) is None
    assert find_refusal(Ledger(slots=five), LIMITS, NOW) == Refusal(
        limit=Limit.OPEN_SESSIONS, until=NOW + 7 * SECOND
    )


def test_where_the_limit_was_lowered_as_many_must_end_as_make_room() -> None:
    five = slots(1 * SECOND, 2 * SECOND, 3 * SECOND, 4 * SECOND, 5 * SECOND)
    limits = replace(LIMITS, max_open_sessions=3)

    assert find_refusal(Ledger(slots=five), limits, NOW) == Refusal(
        limit=Limit.OPEN_SESSIONS, until=NOW + 3 * SECOND
    )


def test_a_lock_comes_before_starts_and_those_before_open_sessions() -> None:
    full = slots(*[30 * SECOND] * 5)
    locked, busy = failures(*[timedelta()] * 5), starts(*[timedelta()] * 20)

    def refused(*entries: Entry) -> Refusal | None:
        return find_refusal(Ledger(slots=full, entries=entries), LIMITS, NOW)

    assert refused(*locked) == Refusal(limit=Limit.FAILURES, until=NOW + MINUTE)
    assert refused(*busy) == Refusal(limit=Limit.STARTS, until=NOW + HOUR)
    assert refused() == Refusal(limit=Limit.OPEN_SESSIONS, until=NOW + 30 * SECOND)


@pytest.mark.parametrize("started", [timedelta(), 59 * MINUTE + 50 * SECOND])
def test_one_who_failed_and_started_too_often_is_told_when_both_are_over(
    started: timedelta,
) -> None:
    ledger = Ledger(entries=(*failures(*[timedelta()] * 5), *starts(*[started] * 20)))

    assert find_refusal(ledger, LIMITS, NOW) == Refusal(
        limit=Limit.FAILURES, until=NOW + max(MINUTE, HOUR - started)
    )


@pytest.mark.parametrize(
    ("left", "seconds"),
    [(MINUTE, 60), (MINUTE + TICK, 61), (MINUTE - TICK, 60), (TICK, 1), (timedelta(), 1)],
)
def test_when_to_try_again_is_in_whole_seconds_never_too_few_and_at_least_one(
    left: timedelta, seconds: int
) -> None:
    refusal = Refusal(limit=Limit.STARTS, until=NOW + left)

    assert refusal.retry_after_seconds(NOW) == seconds


def test_a_session_takes_the_first_free_slot_with_the_version_of_its_row() -> None:
    taken = slots(30 * SECOND, -SECOND, 30 * SECOND)

    assert choose_slot(Ledger(slots=taken), LIMITS, NOW) is taken[1]
    assert choose_slot(Ledger(slots=taken[:1]), LIMITS, NOW) == Slot(number=1)
    assert choose_slot(Ledger(), LIMITS, NOW) == Slot(number=0, version="")


def test_a_session_of_a_person_without_a_limit_takes_no_slot() -> None:
    assert choose_slot(Ledger(slots=slots(-SECOND)), NO_LIMITS, NOW) is None


MOMENTS = st.integers(0, 90_000).map(lambda ago: NOW - ago * SECOND) | st.sampled_from(
    [NOW - ago for ago in (timedelta(), SECOND, HOUR - SECOND, HOUR, DAY - MINUTE, DAY - SECOND)]
)
ENTRIES = st.builds(
    Entry,
    type=st.sampled_from([EntryType.FAILURE, EntryType.FAILURE, *EntryType]),
    kind=st.sampled_from(Kind),
    at=MOMENTS,
    session_id=st.just(SessionId(SESSION_ID)),
)
SLOTS = st.builds(
    Slot,
    number=st.integers(0, 9),
    session_id=st.just(SessionId(SESSION_ID)),
    ends_at=st.none() | st.integers(-100, 900).map(lambda left: NOW + left * SECOND),
)
LEDGERS = st.builds(
    Ledger,
    slots=st.lists(SLOTS, unique_by=lambda slot: slot.number, max_size=10).map(tuple),
    entries=st.lists(ENTRIES, max_size=25).map(tuple),
    unlock=st.none() | st.builds(Unlock, at=MOMENTS),
)
ANY_LIMITS = st.builds(
    Limits,
    max_open_sessions=st.integers(0, 5),
    max_starts_per_hour=st.integers(0, 5),
    max_failures=st.integers(0, 5),
)


def family(refusal: Refusal | None) -> set[Limit]:
    """Name the limits that are the same to a caller."""
    if refusal is None:
        return set()
    return ATTEMPTS if refusal.limit in ATTEMPTS else {Limit.OPEN_SESSIONS}


@given(ledger=LEDGERS, limits=ANY_LIMITS)
def test_what_is_said_of_when_to_try_again_is_true_to_the_second(
    ledger: Ledger, limits: Limits
) -> None:
    refusal = find_refusal(ledger, limits, NOW)
    assume(refusal)

    assert refusal is not None
    seconds = refusal.retry_after_seconds(NOW)
    just_before = find_refusal(ledger, limits, refusal.until - TICK)
    then = find_refusal(ledger, limits, NOW + seconds * SECOND)
    assert seconds >= 1
    assert family(just_before) == family(refusal)
    assert not family(then) & family(refusal)
    assert refusal.limit is not Limit.OPEN_SESSIONS or then is None


@given(ledger=LEDGERS, limits=ANY_LIMITS, seconds=st.integers(0, 90_000))
def test_time_alone_lets_nobody_be_refused_who_was_not(
    ledger: Ledger, limits: Limits, seconds: int
) -> None:
    later = find_refusal(ledger, limits, NOW + seconds * SECOND)

    assert later is None or find_refusal(ledger, limits, NOW) is not None


@given(ledger=LEDGERS, limits=ANY_LIMITS, data=st.data())
def test_the_order_of_the_rows_does_not_matter(
    ledger: Ledger, limits: Limits, data: st.DataObject
) -> None:
    shuffled = replace(
        ledger,
        entries=tuple(data.draw(st.permutations(ledger.entries))),
        slots=tuple(data.draw(st.permutations(ledger.slots))),
    )

    assert find_refusal(shuffled, limits, NOW) == find_refusal(ledger, limits, NOW)
    assert choose_slot(shuffled, limits, NOW) == choose_slot(ledger, limits, NOW)


@given(limits=ANY_LIMITS)
def test_a_person_of_whom_nothing_is_known_is_never_refused(limits: Limits) -> None:
    assert find_refusal(Ledger(), limits, NOW) is None


@given(ledger=LEDGERS)
def test_without_limits_nobody_is_refused(ledger: Ledger) -> None:
    assert find_refusal(ledger, NO_LIMITS, NOW) is None


def is_locked(ledger: Ledger, limits: Limits, now: datetime) -> bool:
    """Say the rule anew, at one moment: count what is not forgiven, and look at the last."""
    counted = []
    for one in (one for one in ledger.entries if one.type is EntryType.FAILURE):
        kinds = {one.kind, Kind.LIVENESS_WITH_VERIFY}
        passes = [
            other
            for other in ledger.entries
            if other.type is EntryType.PASS and other.kind in kinds and other.at >= one.at
        ]
        if not passes and not (ledger.unlock and ledger.unlock.at >= one.at):
            counted.append(one.at)
    counted = [at for at in counted if now - at < DAY]
    if limits.max_failures == 0 or len(counted) < limits.max_failures:
        return False
    minutes = 1 << (len(counted) - limits.max_failures)
    return now < max(counted) + min(minutes * MINUTE, DAY)


@given(ledger=LEDGERS, limits=ANY_LIMITS)
def test_a_person_is_locked_from_now_until_the_rule_lets_go_and_not_longer(
    ledger: Ledger, limits: Limits
) -> None:
    until = locked_until(ledger, limits, NOW)

    assert (until is not None) == is_locked(ledger, limits, NOW)
    if until:
        assert is_locked(ledger, limits, until - TICK)
        assert not is_locked(ledger, limits, until)


@given(ledger=LEDGERS, limits=ANY_LIMITS)
def test_whoever_is_not_refused_has_a_slot_that_is_not_open_within_the_limit(
    ledger: Ledger, limits: Limits
) -> None:
    assume(find_refusal(ledger, limits, NOW) is None)
    slot = choose_slot(ledger, limits, NOW)

    assert (slot is None) == (limits.max_open_sessions == 0)
    if slot:
        assert slot.number < limits.max_open_sessions
        assert slot.number not in {one.number for one in ledger.slots if one.is_open(NOW)}


def test_a_failure_locks_by_what_was_known_when_it_came() -> None:
    ends = [NOW + timedelta(minutes=minute) for minute in range(7)]
    entries = [
        Entry(type=EntryType.FAILURE, kind=Kind.LIVENESS, at=at, session_id=SessionId(f"s{number}"))
        for number, at in enumerate(ends)
    ]
    ledger = Ledger(entries=tuple(entries), unlock=Unlock(at=ends[-1] + timedelta(hours=1)))
    limits = Limits(max_open_sessions=5, max_starts_per_hour=20, max_failures=5)

    locks = [locked_by(one, ledger, limits) for one in entries]

    waits = [timedelta(minutes=minutes) for minutes in (1, 2, 4)]
    locked = [at + wait for at, wait in zip(ends[4:], waits, strict=True)]
    assert locks == [None] * 4 + locked
    unlocks = [replace(ledger, unlock=Unlock(at=at)) for at in (ends[1], ends[-1])]
    assert [locked_by(entries[-1], one, limits) for one in unlocks] == [ends[-1] + MINUTE, None]
