"""Sessions that nobody else can use.

R-numbers name requirements that docs/security.md lists.
"""

import pytest

from tests.conftest import Configure
from tests.support.world import World, form, picture


class TestReferenceImageFirst:
    """R9: a reference image that Face finds poor opens nothing."""

    @pytest.mark.parametrize(
        ("quality", "minimum", "status"),
        [
            ("medium", "medium", 201),
            ("medium", "high", 422),
        ],
    )
    async def test_a_reference_image_below_the_least_quality_ends_the_create(
        self, world: World, configure: Configure, quality: str, minimum: str, status: int
    ) -> None:
        await configure(MIN_REFERENCE_QUALITY=minimum)
        await world.face("reference", {"qualityForRecognition": quality})
        before, rows = await world.at_face(), await world.rows()

        answer = await world.create(data=form(picture()))

        await world.face("reference", {"qualityForRecognition": "high"})
        assert answer.status == status
        if status == 422:
            assert answer.code == "ReferenceImageQuality"
            assert "authToken" not in answer.text
            new = [row["RowKey"] for row in await world.rows() if row not in rows]
            assert await world.at_face() == before
            assert not [key for key in new if key.startswith("session-")]


class TestEntra:
    """R1: Face by the app's own identity, with no key anywhere."""

    async def test_a_check_runs_without_a_key_in_the_vault(
        self, world: World, configure: Configure
    ) -> None:
        await configure(FACE_AUTH="entra", FACE_KEY_SECRET_NAME="no-such-key")

        check = await world.start()
        await world.play(check, "realface")

        assert (await world.complete(check)).body["status"] == "completed"


class TestRationing:
    """R28: a frontend cannot multiply its own calls to Face, nor on the queue."""

    async def test_many_early_completions_put_one_message_on_the_queue(self, world: World) -> None:
        check = await world.start()
        await world.play(check, "running")
        before = await world.messages()

        calls = len(await world.face_calls())
        for _ in range(60):
            assert (await world.complete(check)).status == 202

        assert await world.messages() - before <= 1
        assert len(await world.face_calls()) - calls <= 2
