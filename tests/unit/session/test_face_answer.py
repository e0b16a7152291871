import pytest

from shared.session.face_answer import Quality, ReferenceImage, is_good_enough


@pytest.mark.parametrize(
    ("minimum", "good_enough"),
    [
        (Quality.LOW, {Quality.LOW, Quality.MEDIUM, Quality.HIGH, None}),
        (Quality.MEDIUM, {Quality.MEDIUM, Quality.HIGH}),
        (Quality.HIGH, {Quality.HIGH}),
    ],
)
@pytest.mark.parametrize("quality", [*Quality, None])
def test_a_reference_image_is_good_enough_from_the_setting_up(
    minimum: Quality, good_enough: set[Quality | None], quality: Quality | None
) -> None:
    image = ReferenceImage(quality=quality, face_rectangle=None)

    assert is_good_enough(image, minimum) is (quality in good_enough)


@pytest.mark.parametrize("minimum", Quality)
def test_an_image_that_face_says_nothing_of_is_good_enough_for_the_lowest_only(
    minimum: Quality,
) -> None:
    assert is_good_enough(None, minimum) is (minimum is Quality.LOW)
