from dataclasses import replace
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
# Nothing is known of a session without these.
MUST_BE_THERE = {
    "RowKey", "kind", "status", "faceSessionId", "sessionTokenSha256",
    "createdAt", "expiresAt", "alarmAt", "endedAt",
}  # fmt: skip


@given(session=SESSIONS)
@settings(max_examples=200, deadline=None)
def test_a_session_comes_back_from_its_row_as_it_was(session: Session) -> None:
    row = session_rows.session_row(session)
    written = replace(
        session, schema_version=max(session.schema_version, session_rows.SCHEMA_VERSION)
    )

    assert session_rows.session_from_row(row, session.version) == written
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

    if column not in MUST_BE_THERE:
        assert session_rows.session_from_row(row, "1").session_id == SESSION_ID
    else:
        with pytest.raises(UnreadableRecordError):
            session_rows.session_from_row(row, "1")


def test_what_a_later_version_has_written_is_kept_when_the_row_is_written_anew() -> None:
    newer = {**ROW, "later": "x", "laterStill": 7, "schemaVersion": 9}

    session = session_rows.session_from_row(newer, "1")
    ended_later = replace(session, reference="order-1")

    assert session_rows.session_row(ended_later) == {**newer, "reference": "order-1"}


def test_a_row_of_an_earlier_version_is_read_with_what_is_usual() -> None:
    older = {name: value for name, value in ROW.items() if name in MUST_BE_THERE | {"outcome"}}

    session = session_rows.session_from_row(older, "1")

    assert session == a_session(
        status=Status.COMPLETED, ended_at=NOW, verdict=Verdict(outcome=Outcome.PASSED), version="1"
    )


def test_a_row_written_anew_is_of_the_later_version_of_its_reader_and_itself() -> None:
    older = session_rows.session_from_row({**ROW, "schemaVersion": 0}, "1")

    assert session_rows.session_row(older)["schemaVersion"] == session_rows.SCHEMA_VERSION
    assert a_session().schema_version == session_rows.SCHEMA_VERSION
