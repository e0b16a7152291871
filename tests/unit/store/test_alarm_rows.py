from datetime import timedelta

import pytest

from shared.session.shard import Shard
from shared.store import alarm_rows, row_keys
from shared.store.columns import row_at
from tests.support.builders import NOW, a_session

LATER = NOW + timedelta(hours=1)


def test_an_alarm_row_is_its_keys_beside_the_row_it_is_for() -> None:
    session, row = a_session(), row_at("5", "p:x:3-unlock")

    assert alarm_rows.alarm_row(session) == {
        "PartitionKey": session.session_id[0],
        "RowKey": row_keys.alarm_key(session),
    }
    assert alarm_rows.record_alarm_row(row, NOW) == {
        "PartitionKey": "5",
        "RowKey": row_keys.record_alarm_key(NOW, "p:x:3-unlock"),
    }


def test_an_alarm_remembers_how_often_it_was_postponed_and_since_when() -> None:
    row = alarm_rows.alarm_row(a_session())
    alarm = row_keys.alarm_from_key(Shard("5"), str(row["RowKey"]))
    postponed = alarm_rows.later_row(alarm, LATER, delays=3, since=NOW)

    assert alarm_rows.row_of(alarm) == row
    assert alarm_rows.alarm_row(a_session(alarm_at=LATER)).items() <= postponed.items()
    assert alarm_rows.delays_from_row(postponed) == 3
    assert alarm_rows.since_from_row(postponed, LATER) == NOW


@pytest.mark.parametrize("column", [{}, {"setAside": "twice"}, {"setAside": None}], ids=str)
def test_an_alarm_that_does_not_remember_was_never_postponed(column: dict[str, object]) -> None:
    assert alarm_rows.delays_from_row(column) == 0
