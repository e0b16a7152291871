from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.session.alarm import Alarm
from shared.session.idempotency import Claim
from shared.session.ids import shard_of
from shared.session.shard import Shard
from shared.store import claim_rows, session_rows
from tests.support.builders import NOW, PERSON, SESSION_ID, a_claim, a_session

TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
CLAIMS = st.builds(
    Claim,
    shard=st.sampled_from("0123456789abcdef"),
    key_hash=HASHES,
    request_hash=HASHES,
    session_id=st.text("0123456789abcdef", min_size=33, max_size=33),
    ends_at=TIMES,
    version=st.just("1"),
)


@given(claim=CLAIMS)
def test_a_key_comes_back_from_its_row_as_it_was(claim: Claim) -> None:
    assert claim_rows.claim_from_row(claim_rows.claim_row(claim), claim.version) == claim


@given(claim=CLAIMS)
def test_an_alarm_of_a_key_leads_to_its_row_and_to_no_session(claim: Claim) -> None:
    row = claim_rows.claim_alarm_row(claim)
    key = str(row["RowKey"])
    alarm = session_rows.alarm_from_key(claim.shard, key)

    assert set(row) == {"PartitionKey", "RowKey"}
    assert alarm == Alarm(shard=claim.shard, session_id=None, row_key=key, due_at=claim.ends_at)
    assert claim_rows.claim_key_of_alarm(key) == claim_rows.claim_row(claim)["RowKey"]
    assert session_rows.row_key_of_owner(alarm) == claim_rows.claim_row(claim)["RowKey"]


@given(claim=CLAIMS, now=TIMES | st.just(NOW))
def test_a_key_ends_exactly_at_its_time(claim: Claim, now: datetime) -> None:
    first, last = session_rows.due_range(now)

    assert (first <= claim_rows.claim_alarm_key(claim) < last) == (claim.ends_at <= now)
    assert not first <= claim_rows.claim_key(claim.key_hash) < last
    assert not first <= claim_rows.count_key(PERSON) < last


def test_no_two_rows_of_a_person_share_a_key() -> None:
    claim, session = a_claim(key_hash=PERSON), a_session()
    rows = [
        claim_rows.claim_row(claim),
        claim_rows.claim_alarm_row(claim),
        claim_rows.count_row(shard_of(SESSION_ID), PERSON, 1),
        session_rows.session_row(session),
        session_rows.alarm_row(replace(session, alarm_at=claim.ends_at)),
    ]

    assert len({row["RowKey"] for row in rows}) == 5
    assert {row["PartitionKey"] for row in rows} == {SESSION_ID[0]}


def test_a_count_comes_back_from_its_row() -> None:
    assert claim_rows.count_from_row(claim_rows.count_row(Shard("5"), PERSON, 3)) == 3


ROW = claim_rows.claim_row(a_claim())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"endsAt": "soon"}, id="no-time"),
        pytest.param({"endsAt": "2026-01-01T00:00:00"}, id="a-time-without-a-zone"),
        pytest.param({"sessionId": 5}, id="an-id-that-is-a-number"),
        pytest.param({"requestSha256": None}, id="no-hash"),
    ],
)
def test_a_row_that_is_none_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        claim_rows.claim_from_row({**ROW, **changes}, "1")


@pytest.mark.parametrize("column", sorted(ROW))
def test_a_row_that_lacks_a_column_is_refused(column: str) -> None:
    row = {name: value for name, value in ROW.items() if name != column}

    with pytest.raises(KeyError, match=column):
        claim_rows.claim_from_row(row, "1")


@pytest.mark.parametrize("count", ["5", 1.5, None])
def test_a_count_that_is_no_number_is_refused(count: object) -> None:
    with pytest.raises(TypeError):
        claim_rows.count_from_row({"openSessions": count})
