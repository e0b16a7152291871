import pytest

from tests.unit.api.desk import Desk, a_desk


@pytest.fixture
def desk() -> Desk:
    return a_desk()
