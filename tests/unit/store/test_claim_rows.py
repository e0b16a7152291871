import pytest
from hypothesis import given

from shared.errors import UnreadableRecordError
from shared.session.idempotency import Claim
from shared.session.shard import Shard
from shared.store import claim_rows
from tests.support.any_records import CLAIMS
from tests.support.builders import PERSON, a_claim

ROW = claim_rows.claim_row(a_claim())


@given(claim=CLAIMS)
def test_an_idempotency_key_comes_back_from_its_row_as_it_was(claim: Claim) -> None:
    assert claim_rows.claim_from_row(claim_rows.claim_row(claim), claim.version) == claim


@pytest.mark.parametrize("column", ROW)
def test_a_row_that_is_no_idempotency_key_is_unreadable(column: str) -> None:
    lacking = {name: value for name, value in ROW.items() if name != column}

    for row in (lacking, {**lacking, column: 5}):
        with pytest.raises(UnreadableRecordError, match=column):
            claim_rows.claim_from_row(row, "1")


def test_a_count_comes_back_from_its_row_and_is_a_number() -> None:
    assert claim_rows.count_from_row(claim_rows.count_row(Shard("5"), PERSON, 3)) == 3
    for row in ({}, {"openSessions": "3"}, {"openSessions": 3.0}):
        with pytest.raises(UnreadableRecordError, match="openSessions"):
            claim_rows.count_from_row(row)
