import pytest

from shared.session.face_answer import Attempt
from shared.session.kept_image import ImageState, KeptImage
from tests.support.builders import SESSION_IMAGE_ID, a_failed_attempt, an_attempt


@pytest.mark.parametrize(
    ("is_wanted", "attempt", "state"),
    [
        pytest.param(True, an_attempt(), ImageState.PENDING, id="a-picture"),
        pytest.param(
            True, an_attempt(session_image_id=None), ImageState.UNAVAILABLE, id="no-picture"
        ),
        pytest.param(True, a_failed_attempt(), ImageState.NONE, id="no-result"),
        pytest.param(True, None, ImageState.NONE, id="no-attempt"),
        pytest.param(False, an_attempt(), ImageState.NONE, id="not-asked-for"),
    ],
)
def test_only_a_judged_result_has_a_picture_to_keep(
    *, is_wanted: bool, attempt: Attempt | None, state: ImageState
) -> None:
    image = KeptImage(is_wanted=is_wanted).of(attempt, analyzes=True)

    is_pending = state is ImageState.PENDING
    assert (image.state, image.is_analysis_due) == (state, is_pending)
    assert image.face_image_id == (SESSION_IMAGE_ID if is_pending else None)
