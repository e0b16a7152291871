"""Enroll once by a check that passes, and come back to be verified against its picture."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import ReferenceUnusableError, StoreUnavailableError, UnreadableRecordError
from shared.secret import Secret
from shared.session import transitions
from shared.session.ids import SessionId
from shared.session.kept_image import ImageState, KeptImage
from shared.session.reference import ReferenceSource
from shared.session.session import Outcome, Session, Verdict
from shared.session.shard import PersonHash, shard_of_person
from shared.session.start_request import Mode, StartRequest
from shared.session.verdict import Policy, judge
from tests.support.builders import NOW, SESSION_ID, a_passing_answer, a_session
from tests.support.fakes import SEALER
from tests.support.stage import SETTINGS, Stage

THE_DEVICE = SEALER.hash_person("device", "device-1")
JPEG = b"\xff\xd8\xff a picture"
THE_USER = SEALER.hash_person("user", "user-1")


def id_of(person: PersonHash) -> SessionId:
    return SessionId(shard_of_person(person) + SESSION_ID[1:])


ENROLLED = transitions.completed(
    a_session(
        session_id=id_of(THE_USER), person=THE_USER, image=KeptImage(state=ImageState.STORED)
    ),
    judge(a_passing_answer(), a_session(), Policy()),
    NOW,
)
OF_A_DEVICE = replace(ENROLLED, session_id=id_of(THE_DEVICE), person=THE_DEVICE)
AGAIN = StartRequest(
    mode=Mode.PASSIVE,
    token_seconds=600,
    device_correlation_id="another-device",
    user_correlation_id="user-1",
    reference_session_id=id_of(THE_USER),
)


@pytest.fixture
def stage() -> Stage:
    stage = Stage(settings=replace(SETTINGS, reference_max_age_days=30)).at(ENROLLED, None)
    stage.images.images |= dict.fromkeys((ENROLLED.session_id, OF_A_DEVICE.session_id), JPEG)
    return stage


async def test_the_picture_of_an_earlier_check_is_what_face_verifies_against(stage: Stage) -> None:
    started = await stage.app.start.start(AGAIN, Secret("a-key"))

    (request,) = stage.face.created
    assert (request.verify_image, started.session.reference_source) == (
        JPEG,
        ReferenceSource.SESSION,
    )
    assert started.session.verify_image_sha256 == hashlib.sha256(JPEG).hexdigest()
    again = await stage.app.start.start(AGAIN, Secret("a-key"))
    assert (again.session_token, len(stage.face.created)) == (started.session_token, 1)


NOBODY = replace(AGAIN, user_correlation_id=None, device_correlation_id=None)


@pytest.mark.parametrize(
    ("request_", "session"),
    [
        pytest.param(replace(AGAIN, reference_session_id="x"), ENROLLED, id="no-id"),
        pytest.param(replace(AGAIN, reference_session_id="6" * 33), ENROLLED, id="unknown"),
        pytest.param(replace(AGAIN, user_correlation_id="user-2"), ENROLLED, id="foreign"),
        pytest.param(
            replace(AGAIN, user_correlation_id=None, device_correlation_id="device-1"),
            ENROLLED,
            id="the-users-device",
        ),
        pytest.param(
            replace(AGAIN, reference_session_id=OF_A_DEVICE.session_id),
            OF_A_DEVICE,
            id="a-device-where-a-user-is-named",
        ),
        pytest.param(
            NOBODY,
            replace(ENROLLED, person=None),
            id="nobody",
        ),
        pytest.param(
            AGAIN, replace(ENROLLED, verdict=Verdict(outcome=Outcome.REJECTED)), id="failed"
        ),
        pytest.param(AGAIN, replace(ENROLLED, verdict=None), id="no-verdict"),
        pytest.param(
            AGAIN,
            replace(ENROLLED, created_at=NOW - timedelta(days=30, milliseconds=1)),
            id="too-old",
        ),
        pytest.param(AGAIN, replace(ENROLLED, image=KeptImage()), id="no-picture"),
    ],
)
async def test_what_nobody_may_be_verified_against_is_ReferenceUnusable(  # noqa: N802
    request_: StartRequest, session: Session, stage: Stage
) -> None:
    stage.store.hold(session)

    with pytest.raises(ReferenceUnusableError) as refused:
        await stage.app.start.start(request_)

    assert stage.face.created == []
    assert str(refused.value) == "the session has no picture to verify this person against"


async def test_a_forged_pass_makes_no_reference_of_a_spoofs_picture(stage: Stage) -> None:
    spoof = Verdict(outcome=Outcome.PASSED, liveness_decision="spoofface")
    stage.store.hold(replace(ENROLLED, verdict=spoof))

    with pytest.raises(UnreadableRecordError):
        await stage.app.start.start(AGAIN)
    with pytest.raises(ReferenceUnusableError):
        await stage.app.start.start(replace(AGAIN, user_correlation_id="user-2"))

    assert stage.face.created == []


async def test_a_device_alone_may_come_back_to_its_own_picture(stage: Stage) -> None:
    stage.store.hold(OF_A_DEVICE)
    stage.clock.advance(timedelta(days=30))

    own = replace(
        AGAIN,
        user_correlation_id=None,
        device_correlation_id="device-1",
        reference_session_id=OF_A_DEVICE.session_id,
    )
    assert (await stage.app.start.start(own)).session.verify_image_sha256


@pytest.mark.parametrize("size", [6 * 1024 * 1024 + 1, 0])
async def test_a_picture_that_face_does_not_take_or_that_is_gone_is_unusable(
    size: int, stage: Stage
) -> None:
    stage.images.images.clear()
    if size:
        stage.images.images[ENROLLED.session_id] = JPEG.ljust(size)

    with pytest.raises(ReferenceUnusableError):
        await stage.app.start.start(AGAIN)


async def test_a_place_for_pictures_that_is_away_says_nothing_of_the_reference(
    stage: Stage,
) -> None:
    stage.images.faults.fail("load", StoreUnavailableError("away"))

    with pytest.raises(StoreUnavailableError):
        await stage.app.start.start(AGAIN)
