from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session.session import (
    Outcome,
    Session,
    Status,
    Verdict,
)
from shared.store import session_rows
from tests.support.any_records import SESSIONS
from tests.support.builders import NOW, SESSION_ID, a_session
from tests.support.mutations import ODD_VALUES


@given(session=SESSIONS)
@settings(max_examples=200, deadline=None)
def test_a_session_comes_back_from_its_row_as_it_was(session: Session) -> None:
    row = session_rows.session_row(session)

    assert session_rows.session_from_row(row, session.version) == session
    assert None not in row.values()


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
