from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.session.alarm import Alarm, AlarmClass, alarm_class_of
from shared.session.ids import new_session_id, shard_of
from shared.session.session import Session
from shared.session.shard import SHARDS, PersonHash, Shard
from shared.session.timestamps import rfc3339
from shared.store import row_keys
from tests.support.any_records import IDS, SESSIONS, TIMES, WORDS
from tests.support.builders import NOW, PERSON, SESSION_ID, a_session

SHARD = Shard("5")
OWNER = f"p:{PERSON}:4-8256666666666-start-liveness-{SESSION_ID}"
ALARM_TIMES = TIMES | st.sampled_from([NOW, NOW + timedelta(milliseconds=1)])


def keys_of(session: Session) -> list[str]:
    return [
        row_keys.session_key(session.session_id),
        row_keys.alarm_key(session),
        row_keys.record_alarm_key(session.alarm_at, OWNER),
    ]


@given(session=SESSIONS)
def test_a_persons_rows_have_keys_of_their_own_that_the_table_takes(session: Session) -> None:
    keys = keys_of(session)

    assert len(set(keys)) == 3
    # https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
    assert not set("/\\#?\t\n\r'") & set("".join(keys))
    assert "".join(keys).isascii()
    assert "".join(keys).isprintable()


@given(session=SESSIONS)
def test_a_sessions_alarm_leads_to_its_row(session: Session) -> None:
    key = row_keys.alarm_key(session)
    alarm = row_keys.alarm_from_key(SHARD, key)

    assert alarm == Alarm(
        shard=SHARD,
        session_id=session.session_id,
        row_key=key,
        due_at=session.alarm_at,
        alarm_class=alarm_class_of(session),
    )
    assert row_keys.owner_key(alarm) == row_keys.session_key(session.session_id)
    assert row_keys.session_id_from_key(row_keys.owner_key(alarm)) == session.session_id


@given(at=TIMES, owner=st.sampled_from([OWNER, f"p:{PERSON}:3-unlock"]) | WORDS)
def test_an_alarm_of_a_row_of_no_session_leads_to_that_row(at: datetime, owner: str) -> None:
    key = row_keys.record_alarm_key(at, owner)
    alarm = row_keys.alarm_from_key(SHARD, key)

    assert alarm == Alarm(
        shard=SHARD, session_id=None, row_key=key, due_at=at, alarm_class=AlarmClass.RECORD
    )
    assert row_keys.owner_key(alarm) == owner


@given(
    at=ALARM_TIMES, now=TIMES | st.just(NOW), session_id=IDS | st.sampled_from(["0" * 33, "f" * 33])
)
def test_due_are_exactly_the_alarms_whose_time_has_come(
    at: datetime, now: datetime, session_id: str
) -> None:
    first, last = row_keys.due_range(now)
    other, alarm, end_of_a_row = keys_of(a_session(session_id=session_id, alarm_at=at))

    assert (first <= alarm < last) == (first <= end_of_a_row < last) == (at <= now)
    assert not first <= other < last


@given(first=TIMES, second=TIMES, ids=st.tuples(IDS, IDS))
def test_alarms_sort_by_their_time(first: datetime, second: datetime, ids: tuple[str, str]) -> None:
    keys = [
        row_keys.alarm_key(a_session(session_id=one, alarm_at=moment))
        for one, moment in zip(ids, (first, second), strict=True)
    ]

    assert first == second or (keys[0] < keys[1]) == (first < second)


@given(session=SESSIONS, later=TIMES)
def test_a_postponed_alarm_is_for_the_same_row(session: Session, later: datetime) -> None:
    for key, postponed in (
        (row_keys.alarm_key(session), row_keys.alarm_key(replace(session, alarm_at=later))),
        (row_keys.record_alarm_key(NOW, OWNER), row_keys.record_alarm_key(later, OWNER)),
        (
            f"alarm-soon-open-{session.session_id}",
            f"alarm-{rfc3339(later)}-open-{session.session_id}",
        ),
    ):
        alarm = row_keys.alarm_from_key(SHARD, key)

        assert row_keys.later_alarm_key(alarm, later) == postponed


@pytest.mark.parametrize(
    "time",
    [
        "soon",
        "",
        "0000-99-99T99:99:99.999Z",
        "2026-03-04T05:06:07.0000",
        "2026-03-04T05:06:07+0100",
        "0001-01-01T00:00:00+0100",
    ],
    ids=["a-word", "nothing", "no-such-day", "no-zone", "another-zone", "before-all-time"],
)
def test_an_alarm_without_a_time_of_ours_is_an_alarm_all_the_same(time: str) -> None:
    key = f"alarm-{time}-ended-{SESSION_ID}"
    alarm = row_keys.alarm_from_key(SHARD, key)

    assert alarm == Alarm(
        shard=SHARD,
        session_id=SESSION_ID,
        row_key=key,
        due_at=None,
        alarm_class=AlarmClass.ENDED,
    )
    assert row_keys.owner_key(alarm) == row_keys.session_key(SESSION_ID)


@pytest.mark.parametrize("word", ["", "soon-", "OPEN-"], ids=["none", "unheard-of", "in-capitals"])
def test_an_alarm_of_no_class_of_ours_is_an_alarm_all_the_same(word: str) -> None:
    key = f"alarm-{rfc3339(NOW)}-{word}{SESSION_ID}"
    alarm = row_keys.alarm_from_key(SHARD, key)

    assert (alarm.session_id, alarm.due_at, alarm.alarm_class) == (SESSION_ID, NOW, None)


@given(rest=st.text(max_size=60))
def test_whatever_begins_like_an_alarm_is_one(rest: str) -> None:
    alarm = row_keys.alarm_from_key(SHARD, f"alarm-{rest}")

    assert alarm.due_at is None or alarm.row_key.startswith(f"alarm-{rfc3339(alarm.due_at)}")


def test_every_shard_is_the_beginning_of_some_session() -> None:
    ids = {new_session_id(PersonHash(shard), bytes) for shard in SHARDS}

    assert {shard_of(session_id) for session_id in ids} == set(SHARDS)
