from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UnreadableRecordError
from shared.session.session import Outcome, Session, Status, Verdict
from shared.session.timestamps import rfc3339
from shared.store import session_rows
from tests.support.any_records import SESSIONS
from tests.support.builders import NOW, SESSION_ID, a_session
from tests.support.mutations import ODD_VALUES

ROW = session_rows.session_row(
    a_session(
        status=Status.COMPLETED, ended_at=NOW, verdict=Verdict(outcome=Outcome.PASSED, attempt_id=1)
    )
)
MAY_BE_UNKNOWN = {
    "deviceCorrelationId", "outcome", "livenessDecision", "attemptId", "imageState",
}  # fmt: skip


@given(session=SESSIONS)
@settings(max_examples=200, deadline=None)
def test_a_session_comes_back_from_its_row_as_it_was(session: Session) -> None:
    row = session_rows.session_row(session)

    assert session_rows.session_from_row(row, session.version) == session
    assert None not in row.values()
    assert session_rows.alarm_columns(session.alarm_at).items() <= row.items()


@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(ROW)), ODD_VALUES | st.just(datetime(2026, 1, 1, tzinfo=UTC))
    ),
    missing=st.sets(st.sampled_from(sorted(ROW)), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_a_strange_row_is_a_session_or_unreadable(
    changes: dict[str, Any], missing: set[str]
) -> None:
    row = {name: value for name, value in {**ROW, **changes}.items() if name not in missing}
    try:
        session = session_rows.session_from_row(row, "1")
    except UnreadableRecordError:
        return

    assert isinstance(session.status, Status)
    assert rfc3339(session.alarm_at)


@pytest.mark.parametrize("column", sorted(set(ROW) - {"PartitionKey"}))
def test_a_row_that_lacks_a_column_is_unreadable_or_knows_less(column: str) -> None:
    row = {name: value for name, value in ROW.items() if name != column}

    if column in MAY_BE_UNKNOWN:
        assert session_rows.session_from_row(row, "1").session_id == SESSION_ID
    else:
        with pytest.raises(UnreadableRecordError):
            session_rows.session_from_row(row, "1")
