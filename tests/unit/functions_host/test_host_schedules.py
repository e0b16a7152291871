from datetime import UTC, datetime, timedelta

import pytest

from local.functions_host.backoff import PollingBackoff
from local.functions_host.ncrontab import parse_ncrontab
from local.functions_host.start_error import IndexingError
from local.functions_host.timer_schedule import TimerStatus, status_after_run, status_at_start

_FRIDAY = datetime(2026, 11, 20, 10, 0, 30, 500, tzinfo=UTC)
_HOURLY = parse_ncrontab("0 0 * * * *", _FRIDAY)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * * *", datetime(2026, 11, 20, 10, 0, 31, tzinfo=UTC)),
        ("0 * * * * *", datetime(2026, 11, 20, 10, 1, tzinfo=UTC)),
        ("*/5 * * * *", datetime(2026, 11, 20, 10, 5, tzinfo=UTC)),
        ("0 30 9-11 * * Mon-Fri", datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        ("0 0 0 13 * FRI", datetime(2027, 8, 13, tzinfo=UTC)),
        ("0 0 0 1 jan,JUL 0", datetime(2029, 7, 1, tzinfo=UTC)),
    ],
    ids=["second", "minute", "five fields", "ranges", "both days must fit", "names"],
)
def test_next_run_follows_ncrontab(schedule: str, expected: datetime) -> None:
    assert parse_ncrontab(schedule, _FRIDAY).next_after(_FRIDAY) == expected


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "* * * *", "@hourly", "60 * * * * *", "* * * * * 7", "5-1 * * * * *"),
        *("*/0 * * * * *", "0 0 0 L * *", "0 0 0 ? * *", "0 0 0 30 2 *", "0 0 0 * mon *"),
        *("00:05:00", "0 0 0 * * * *"),
    ],
)
def test_schedule_that_the_real_host_refuses_is_refused(schedule: str) -> None:
    with pytest.raises(IndexingError, match="schedule"):
        parse_ncrontab(schedule, _FRIDAY)


def test_only_schedules_within_a_minute_go_unmonitored() -> None:
    schedules = ["*/30 * * * * *", "0,50 * * * * *", "0 * * * * *", "0 0 * * * *"]

    within = [parse_ncrontab(each, _FRIDAY).is_within_a_minute(_FRIDAY) for each in schedules]

    assert within == [True, True, False, False]


def test_new_timer_waits_for_its_first_run() -> None:
    status = status_at_start(None, _HOURLY, _FRIDAY)

    assert (status.last, status.next.hour) == (None, 11)


def test_missed_run_stays_past_due() -> None:
    last = _FRIDAY.replace(hour=7, minute=0, second=0, microsecond=0)
    stored = TimerStatus(last=last, next=last + timedelta(hours=1), updated=last)

    assert status_at_start(stored, _HOURLY, _FRIDAY).next < _FRIDAY


def test_changed_schedule_misses_nothing() -> None:
    last = _FRIDAY.replace(hour=7, minute=0, second=0, microsecond=0)
    stored = TimerStatus(last=last, next=last + timedelta(minutes=5), updated=last)

    assert status_at_start(stored, _HOURLY, _FRIDAY).next.hour == 11


def test_run_that_came_early_counts_from_its_due_time() -> None:
    due = _FRIDAY.replace(hour=11, minute=0, second=0, microsecond=0)
    status = TimerStatus(last=None, next=due, updated=_FRIDAY)

    after = status_after_run(status, _HOURLY, due - timedelta(seconds=0.2), is_scheduled=True)

    assert (after.last, after.next) == (due, due + timedelta(hours=1))


def test_status_survives_its_blob() -> None:
    status = TimerStatus(last=None, next=_FRIDAY, updated=_FRIDAY)

    assert TimerStatus.from_json(status.to_json()) == status


def test_empty_queue_is_asked_ever_less_often() -> None:
    backoff = PollingBackoff(timedelta(seconds=1), uniform=lambda *_: 1)

    waits = [backoff.next_wait(found=False).total_seconds() for _ in range(6)]

    assert waits == [0.2, 0.3, 0.5, 0.9, 1, 1]
    assert backoff.next_wait(found=True).total_seconds() == 0.1
    assert backoff.next_wait(found=False).total_seconds() == 0.2
