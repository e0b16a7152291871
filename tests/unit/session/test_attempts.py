import json
from dataclasses import asdict

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.session.attempts import record_attempts
from shared.session.face_answer import Attempt
from shared.store.columns import write_value
from tests.support.any_records import any_record
from tests.support.builders import a_failed_attempt, an_attempt


def test_attempts_are_told_as_face_has_told_them_in_the_order_of_their_numbers() -> None:
    failed, ended = a_failed_attempt(9), an_attempt(attempt_id=10)

    told = record_attempts([ended, failed])

    for one, attempt in zip(told, (failed, ended), strict=True):
        assert asdict(one) == {name: getattr(attempt, name) for name in asdict(one)}
    assert told[0].error_code == "FaceWithMaskDetected"
    assert told[1].liveness_decision == "realface"
    assert "digest" not in json.dumps(asdict(told[1]))


@given(
    attempts=st.lists(
        any_record(Attempt, attempt_id=st.integers(1, 9), error_message=st.text(max_size=512)),
        max_size=9,
    )
)
@settings(max_examples=50, deadline=None)
def test_however_many_attempts_fit_a_column_and_the_latest_are_kept(
    attempts: list[Attempt],
) -> None:
    told = record_attempts(attempts * 100)

    assert len(str(write_value(told)).encode("utf-16-le")) <= 2 * 32_768
    if attempts:
        assert told[-1].attempt_id == max(one.attempt_id or 0 for one in attempts)
