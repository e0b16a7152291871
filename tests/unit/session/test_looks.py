from dataclasses import replace
from datetime import timedelta

import pytest

from shared.session import looks
from shared.session.session import Report, Session
from tests.support.builders import DIGEST, NOW, a_session

SESSION = a_session()
SOON = NOW + timedelta(seconds=1)
LOOKED = looks.with_empty_look(SESSION, NOW)


def test_the_pause_between_two_looks_doubles_up_to_thirty_seconds() -> None:
    pauses = [looks.pause_after(times).total_seconds() for times in (0, 1, 2, 3, 4, 5, 6, 10**9)]

    assert pauses == [2, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("session", "report", "may_look"),
    [
        pytest.param(SESSION, Report(), True, id="never-looked-at"),
        pytest.param(replace(SESSION, look_at=SOON), Report(), True, id="at-its-time"),
        pytest.param(LOOKED, Report(), False, id="too-soon"),
        pytest.param(LOOKED, Report(digest=DIGEST), True, id="the-first-digest"),
        pytest.param(
            replace(LOOKED, report=Report(digest=DIGEST)),
            Report(digest="0" * 64),
            False,
            id="another-digest",
        ),
    ],
)
def test_a_report_is_worth_a_look_when_one_is_due_or_for_the_first_digest(
    session: Session, report: Report, *, may_look: bool
) -> None:
    assert looks.may_look_for(report, session, SOON) is may_look


def test_a_look_in_vain_is_counted_once_by_whoever_counts_first() -> None:
    assert looks.with_empty_look(LOOKED, SOON) == LOOKED
    again = looks.with_empty_look(LOOKED, NOW + timedelta(seconds=2))
    assert (again.empty_looks, again.look_at) == (2, NOW + timedelta(seconds=6))


@pytest.mark.parametrize(("empty_looks", "seconds"), [(0, 2), (1, 4), (2, 8), (3, 16), (4, None)])
def test_whoever_counts_a_look_sends_the_next_message_until_the_alarm_has_it(
    empty_looks: int, seconds: int | None
) -> None:
    before = a_session(empty_looks=empty_looks)
    after = looks.with_empty_look(before, NOW)

    at = seconds and NOW + timedelta(seconds=seconds)
    assert looks.next_message_at(before, after) == at
    assert looks.next_message_at(after, after) is None


def test_a_message_is_sent_where_none_is_on_its_way() -> None:
    sent = looks.with_message(SESSION, NOW)

    assert looks.next_message_at(SESSION, sent) == NOW + timedelta(seconds=2)
    assert looks.with_message(sent, SOON) == sent
    late = NOW + timedelta(seconds=2.001)
    again = looks.with_message(sent, late)
    assert looks.next_message_at(sent, again) == late + timedelta(seconds=2)


def test_a_message_that_would_come_before_the_next_look_comes_with_it() -> None:
    look_at = NOW + timedelta(seconds=30)
    for message_at in (None, NOW, NOW + timedelta(seconds=2)):
        session = a_session(empty_looks=5, look_at=look_at, message_at=message_at)
        assert looks.with_message(session, NOW).message_at == look_at


@pytest.mark.parametrize(
    ("seconds", "whole"), [(None, 0), (-1, 0), (0, 0), (0.001, 1), (1, 1), (1.5, 2)]
)
def test_seconds_until_a_moment_are_whole_and_never_less_than_none(
    seconds: float | None, whole: int
) -> None:
    moment = None if seconds is None else NOW + timedelta(seconds=seconds)

    assert looks.seconds_until(moment, NOW) == whole
