from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session.alarm import Alarm
from shared.session.ids import SessionId, new_session_id, shard_of
from shared.session.session import (
    Comparison,
    Kind,
    Outcome,
    Reason,
    Report,
    Session,
    Status,
    Verdict,
)
from shared.session.shard import SHARDS, Shard
from shared.store import session_rows
from tests.support.builders import NOW, SESSION_ID, a_session
from tests.support.mutations import ODD_VALUES

TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
IDS = st.text("0123456789abcdef", min_size=33, max_size=33).map(SessionId)
VERDICTS = st.builds(
    Verdict,
    outcome=st.sampled_from(Outcome),
    reasons=st.lists(st.sampled_from(Reason), unique=True).map(tuple),
    liveness_decision=st.none() | WORDS,
    attempt_id=st.none() | st.integers(0, 2**31 - 1),
    attempt_count=st.integers(0, 100),
    error_code=st.none() | WORDS,
    is_identical=st.none() | st.booleans(),
    match_confidence=st.none() | st.floats(0, 1),
    verify_image_hash=st.sampled_from(Comparison),
    digest=st.sampled_from(Comparison),
    model_version=st.none() | WORDS,
)


def ended_if_final(session: Session) -> Session:
    return replace(session, ended_at=session.alarm_at if session.is_final else None)


SESSIONS = st.builds(
    Session,
    session_id=IDS,
    kind=st.sampled_from(Kind),
    status=st.sampled_from(Status),
    face_session_id=WORDS,
    token_hash=WORDS,
    device_correlation_id=st.none() | WORDS,
    user_correlation_id=st.none() | WORDS,
    person_sha256=st.none() | WORDS,
    verify_image_sha256=st.none() | WORDS,
    created_at=TIMES,
    expires_at=TIMES,
    report=st.builds(
        Report,
        digest=st.none() | WORDS,
        digests_differ=st.booleans(),
        result_id=st.none() | WORDS,
        liveness_error=st.none() | WORDS,
        recognition_error=st.none() | WORDS,
    ),
    reminded_at=st.none() | TIMES,
    verdict=st.none() | VERDICTS,
    has_face_data=st.booleans(),
    alarm_at=TIMES,
    alarm_delays=st.integers(0, 1000),
    version=WORDS,
).map(ended_if_final)


@given(session=SESSIONS)
@settings(max_examples=200, deadline=None)
def test_a_session_comes_back_from_its_row_as_it_was(session: Session) -> None:
    row = session_rows.session_row(session)

    assert session_rows.session_from_row(row, session.version) == session
    assert None not in row.values()


@given(session=SESSIONS)
@settings(max_examples=50, deadline=None)
def test_a_sessions_two_rows_are_neighbors_with_keys_that_the_table_takes(
    session: Session,
) -> None:
    rows = [session_rows.session_row(session), session_rows.alarm_row(session)]

    assert {row["PartitionKey"] for row in rows} == {session.session_id[0]}
    assert len({row["RowKey"] for row in rows}) == 2
    for row in rows:
        keys = f"{row['PartitionKey']}{row['RowKey']}"
        # https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
        assert not set("/\\#?\t\n\r'") & set(keys)
        assert keys.isascii()
        assert keys.isprintable()


@given(session=SESSIONS)
@settings(max_examples=50, deadline=None)
def test_an_alarm_row_names_its_session_and_nothing_of_it(session: Session) -> None:
    row = session_rows.alarm_row(session)

    assert session_rows.alarm_from_key(shard_of(session.session_id), str(row["RowKey"])) == Alarm(
        shard=shard_of(session.session_id),
        session_id=session.session_id,
        row_key=str(row["RowKey"]),
        due_at=session.alarm_at,
    )
    assert set(row) == {"PartitionKey", "RowKey"}


@pytest.mark.parametrize(
    ("key", "due_at"),
    [
        (f"alarm-2026-03-04T05:06:07.000Z-{SESSION_ID}", NOW),
        (f"alarm-soon-{SESSION_ID}", None),
        (f"alarm-{SESSION_ID}", None),
    ],
    ids=["a-time", "no-time", "nothing"],
)
def test_an_alarm_without_a_time_is_an_alarm_all_the_same(
    key: str, due_at: datetime | None
) -> None:
    alarm = session_rows.alarm_from_key(Shard("5"), key)

    assert alarm == Alarm(shard=Shard("5"), session_id=SESSION_ID, row_key=key, due_at=due_at)
    assert session_rows.row_key_of_owner(alarm) == session_rows.session_key(SESSION_ID)


@given(first=TIMES, second=TIMES, ids=st.tuples(IDS, IDS))
@settings(max_examples=100, deadline=None)
def test_alarms_sort_by_their_time(first: datetime, second: datetime, ids: tuple[str, str]) -> None:
    keys = [
        session_rows.alarm_key(a_session(session_id=one, alarm_at=moment))
        for one, moment in zip(ids, (first, second), strict=True)
    ]

    if first != second:
        assert (keys[0] < keys[1]) == (first < second)


@given(
    alarm_at=TIMES | st.sampled_from([NOW, NOW + timedelta(milliseconds=1)]),
    now=TIMES | st.just(NOW),
    session_id=IDS | st.sampled_from([SessionId("0" * 33), SessionId("f" * 33)]),
)
@settings(max_examples=200, deadline=None)
def test_what_is_due_is_exactly_what_has_rung(
    alarm_at: datetime, now: datetime, session_id: SessionId
) -> None:
    first, last = session_rows.due_range(now)
    session = a_session(session_id=session_id, alarm_at=alarm_at)

    assert (first <= session_rows.alarm_key(session) < last) == (alarm_at <= now)
    assert not first <= session_rows.session_key(session_id) < last


def test_every_shard_is_the_beginning_of_some_session() -> None:
    ids = {new_session_id(f"person {number}", bytes) for number in range(500)}

    assert {shard_of(session_id) for session_id in ids} == set(SHARDS)


ROW = session_rows.session_row(
    a_session(
        status=Status.COMPLETED, ended_at=NOW, verdict=Verdict(outcome=Outcome.PASSED, attempt_id=1)
    )
)


@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(ROW)), ODD_VALUES | st.just(datetime(2026, 1, 1, tzinfo=UTC))
    ),
    missing=st.sets(st.sampled_from(sorted(ROW)), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_a_strange_row_is_noticed_where_it_is_read(
    changes: dict[str, Any], missing: set[str]
) -> None:
    row = {name: value for name, value in {**ROW, **changes}.items() if name not in missing}
    try:
        session = session_rows.session_from_row(row, "1")
    except (KeyError, ValueError, TypeError):
        return

    assert isinstance(session.status, Status)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "paused"}, id="a-status-unheard-of"),
        pytest.param({"kind": "voice"}, id="a-kind-unheard-of"),
        pytest.param({"outcome": "perhaps"}, id="an-outcome-unheard-of"),
        pytest.param({"reasons": "Spoof,Boredom"}, id="a-reason-unheard-of"),
        pytest.param({"alarmAt": "soon"}, id="no-time"),
        pytest.param({"alarmAt": "2026-01-01T00:00:00"}, id="a-time-without-a-zone"),
        pytest.param({"attemptId": "1"}, id="a-number-as-text"),
        pytest.param({"atFace": 1}, id="a-flag-as-a-number"),
        pytest.param({"status": 5}, id="a-word-as-a-number"),
    ],
)
def test_a_row_that_is_none_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        session_rows.session_from_row({**ROW, **changes}, "1")


@pytest.mark.parametrize("column", sorted(set(ROW) - {"PartitionKey", "endedAt"}))
def test_a_row_that_lacks_a_column_is_refused_or_knows_less(column: str) -> None:
    optional = {"deviceCorrelationId", "outcome", "livenessDecision", "attemptId"}
    row = {name: value for name, value in ROW.items() if name != column}

    if column in optional:
        assert session_rows.session_from_row(row, "1").session_id == SESSION_ID
    else:
        with pytest.raises(KeyError, match=column):
            session_rows.session_from_row(row, "1")


def test_a_final_row_without_its_end_is_refused() -> None:
    row = {name: value for name, value in ROW.items() if name != "endedAt"}

    with pytest.raises((KeyError, ValueError)):
        session_rows.session_from_row(row, "1")
