from dataclasses import replace

import pytest

from shared.session import stops, transitions
from shared.session.alarm import Alarm, AlarmClass, alarm_class_of
from shared.session.ids import shard_of
from shared.session.session import Session
from shared.session.shard import Shard
from tests.support.builders import NOW, RETENTION, SESSION_ID, a_session

SESSION = a_session()
OWN = Alarm(
    shard=shard_of(SESSION_ID),
    session_id=SESSION_ID,
    row_key="alarm",
    due_at=SESSION.alarm_at,
    alarm_class=AlarmClass.OPEN,
)
CANCELED = transitions.canceled(SESSION, NOW)


@pytest.mark.parametrize(
    ("alarm", "own"),
    [
        pytest.param(OWN, True, id="as-the-record-says"),
        pytest.param(replace(OWN, due_at=NOW), False, id="at-another-time"),
        pytest.param(replace(OWN, due_at=None), False, id="at-no-time"),
        pytest.param(replace(OWN, shard=Shard("0")), False, id="in-another-shard"),
        pytest.param(replace(OWN, alarm_class=AlarmClass.ENDED), False, id="for-something-else"),
        pytest.param(replace(OWN, alarm_class=None), False, id="for-nothing"),
    ],
)
def test_a_session_has_one_alarm_of_its_own(alarm: Alarm, *, own: bool) -> None:
    assert alarm.is_own_of(SESSION) is own


@pytest.mark.parametrize(
    ("session", "alarm_class", "needs_face"),
    [
        (transitions.processing(SESSION, NOW), "reported", True),
        (SESSION, "open", True),
        (CANCELED, "ended", True),
        (stops.event_due(CANCELED, NOW), "event", False),
        (transitions.face_data_deleted(CANCELED, RETENTION), "purge", False),
    ],
)
def test_what_an_alarm_is_for_follows_from_the_state(
    session: Session, alarm_class: str, *, needs_face: bool
) -> None:
    assert alarm_class_of(session) == alarm_class
    assert alarm_class_of(session).needs_face is needs_face


def test_a_sweep_works_in_the_order_in_which_people_wait() -> None:
    assert list(AlarmClass) == [
        *("reported", "open", "ended", "event", "purge", "record", "erasure")
    ]
