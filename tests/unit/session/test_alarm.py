from dataclasses import replace

import pytest

from shared.session.alarm import Alarm
from shared.session.ids import shard_of
from shared.session.shard import Shard
from tests.support.builders import NOW, SESSION_ID, a_session

SESSION = a_session()
OWN = Alarm(
    shard=shard_of(SESSION_ID), session_id=SESSION_ID, row_key="alarm", due_at=SESSION.alarm_at
)


@pytest.mark.parametrize(
    ("alarm", "own"),
    [
        pytest.param(OWN, True, id="as-the-record-says"),
        pytest.param(replace(OWN, due_at=NOW), False, id="at-another-time"),
        pytest.param(replace(OWN, due_at=None), False, id="at-no-time"),
        pytest.param(replace(OWN, shard=Shard("0")), False, id="in-another-shard"),
    ],
)
def test_a_session_has_one_alarm_of_its_own(alarm: Alarm, *, own: bool) -> None:
    assert alarm.is_own_of(SESSION) is own
