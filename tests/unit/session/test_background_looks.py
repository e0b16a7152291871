from datetime import timedelta

import pytest

from shared.session import background_looks, looks, transitions
from tests.support.builders import NOW, a_session

SESSION = a_session()
SOON = NOW + timedelta(seconds=1)
LOOKED = looks.with_empty_look(SESSION, NOW)


@pytest.mark.parametrize(
    ("late_seconds", "next_seconds"), [(0, 6), (1, 6), (2, 6), (2.5, 6.5), (3600, 3604)]
)
def test_how_late_a_message_comes_is_no_part_of_the_pause_but_for_two_seconds(
    late_seconds: float, next_seconds: float
) -> None:
    now = NOW + timedelta(seconds=2 + late_seconds)

    after = background_looks.with_empty_look_of_message(LOOKED, now)

    assert after.look_at == after.message_at == NOW + timedelta(seconds=next_seconds)
    assert after.empty_looks == 2


def test_who_has_reported_last_is_looked_at_first_and_who_has_not_last() -> None:
    early, late = [transitions.processing(SESSION, at) for at in (NOW, SOON)]

    assert (
        background_looks.rank_of(late)
        < background_looks.rank_of(early)
        < background_looks.rank_of(SESSION)
    )
