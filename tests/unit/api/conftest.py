import pytest

from tests.support.stage import Stage


@pytest.fixture
def desk() -> Stage:
    return Stage()
