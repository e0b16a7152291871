from typing import Any

import pytest
from hypothesis import given

from shared.session.idempotency import Claim
from shared.store import claim_rows
from tests.support.any_records import CLAIMS
from tests.support.builders import PERSON, a_claim


@given(claim=CLAIMS)
def test_a_key_comes_back_from_its_row_as_it_was(claim: Claim) -> None:
    assert claim_rows.claim_from_row(claim_rows.claim_row(claim), claim.version) == claim


def test_a_count_comes_back_from_its_row() -> None:
    assert claim_rows.count_from_row(claim_rows.count_row("5", PERSON, 3)) == 3


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
