"""A model that Face has retired is for operators to mend, and no caller can."""

from tests.conftest import Configure
from tests.support.world import World


async def test_a_model_that_face_does_not_know_is_a_refusal_of_us(
    world: World, configure: Configure
) -> None:
    await configure(FACE_MODEL_VERSION="2001-01-01")

    answer = await world.create(json={"deviceCorrelationId": "a-device"})

    assert (answer.status, answer.code) == (502, "FaceRefused")
