import pytest

from tests.unit.flow.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
