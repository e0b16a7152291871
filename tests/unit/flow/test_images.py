"""The picture of a check: kept before Face forgets it, gone before its record is."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from shared import image_choices
from shared.errors import (
    AppError,
    FaceRefusedError,
    FaceUnavailableError,
    ImageNotFoundError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
)
from shared.session.alarm import SweepResult
from shared.session.face_answer import NoImage
from shared.session.kept_image import ImageState, KeptImage
from shared.session.session import Report, Status
from tests.support.builders import (
    NOW,
    RETENTION,
    SESSION_ID,
    SESSION_IMAGE_ID,
    TOKEN,
    a_passing_answer,
    a_session,
)
from tests.support.faults import Crash
from tests.support.stage import SETTINGS, Stage, end_of

JPEG = b"\xff\xd8\xff a picture"
FACES = '[{"faceAttributes":{"blur":{"value":0.06}}}]'
STARTED = a_session(image=KeptImage(is_wanted=True))
DOWN = FaceUnavailableError("down")
KEEPS = replace(
    SETTINGS,
    session_image=image_choices.SessionImage.ALLOW,
    session_image_analysis=("blur", "headPose"),
)


@pytest.fixture
async def stage() -> Stage:
    """Let a check have ended just now, whose picture is still at Face."""
    stage = Stage(settings=KEEPS).at(STARTED, a_passing_answer())
    stage.face.images[SESSION_IMAGE_ID] = JPEG
    stage.face.faces = FACES
    await stage.complete_it(Report())
    stage.faults.calls.clear()
    stage.store.table.requests.clear()
    return stage


def state_of(stage: Stage) -> ImageState:
    return stage.session.image.state


async def visit(stage: Stage, after: timedelta = timedelta()) -> SweepResult | AppError:
    stage.clock.moment = NOW + after
    end = await end_of(stage.app.sweep.walk.handle_alarm(SESSION_ID))
    assert isinstance(end, SweepResult | AppError)
    return end


async def test_a_message_has_the_picture_kept_and_asked_about_before_face_forgets_it(
    stage: Stage,
) -> None:
    assert state_of(stage) is ImageState.PENDING

    await stage.app.queue_flow.settle(SESSION_ID)

    assert stage.face_calls == ["get_image", "detect", "delete"]
    assert stage.images.images == {SESSION_ID: JPEG}
    assert state_of(stage) is ImageState.STORED
    assert stage.session.image.face_attributes == FACES
    assert not stage.session.has_face_data
    assert await stage.app.results.load_image(SESSION_ID) == JPEG
    await stage.app.queue_flow.settle(SESSION_ID)
    assert len(stage.face_calls) == 3


async def test_a_session_that_keeps_no_picture_is_asked_about_none() -> None:
    stage = Stage(settings=KEEPS).at(a_session(), a_passing_answer())
    await stage.complete_it(Report())

    await stage.app.queue_flow.settle(SESSION_ID)

    assert stage.face_calls == ["get", "delete"]
    assert state_of(stage) is ImageState.NONE


async def test_a_cancel_revokes_at_once_what_a_message_would_be_late_for() -> None:
    stage = Stage(settings=KEEPS).at(STARTED, None)

    await stage.app.flow.cancel(SESSION_ID, TOKEN)

    assert stage.session.status is Status.CANCELED
    assert (stage.face_calls, stage.queue.sent) == (["get", "delete"], [])


@pytest.mark.parametrize("error", [DOWN, FaceRefusedError("Face said 401")])
async def test_the_delete_waits_for_the_picture_while_face_is_silent(
    error: AppError, stage: Stage
) -> None:
    stage.faults.fail("get_image", error)

    assert await visit(stage) is error
    assert stage.face_calls == ["get_image", "detect"]
    assert state_of(stage) is ImageState.PENDING
    assert stage.session.has_face_data
    stage.faults.clear()
    assert await visit(stage) is SweepResult.DELETED
    assert state_of(stage) is ImageState.STORED
    assert stage.face_calls.count("detect") == 1


async def test_the_delete_waits_for_what_face_sees_and_the_picture_is_stored_meanwhile(
    stage: Stage,
) -> None:
    stage.faults.fail("detect", DOWN)

    assert await visit(stage) is DOWN
    assert state_of(stage) is ImageState.STORED
    assert stage.session.has_face_data
    stage.faults.clear()
    assert await visit(stage) is SweepResult.DELETED
    assert stage.session.image.face_attributes == FACES
    assert stage.face_calls == ["get_image", "detect", "detect", "delete"]


@pytest.mark.parametrize("cause", [NoImage.NOT_FOUND, NoImage.REFUSED, NoImage.TOO_LARGE])
async def test_a_picture_that_face_never_gives_is_unavailable_and_operators_learn_why(
    cause: NoImage, stage: Stage
) -> None:
    stage.face.images[SESSION_IMAGE_ID] = cause

    assert await visit(stage) is SweepResult.DELETED
    assert state_of(stage) is ImageState.UNAVAILABLE
    assert [fact["cause"] for fact in stage.events.named("image unavailable")] == [cause]
    with pytest.raises(ImageNotFoundError):
        await stage.app.results.load_image(SESSION_ID)


async def test_after_two_days_nothing_waits_for_face_any_more(stage: Stage) -> None:
    for call in ("get_image", "detect", "delete"):
        stage.faults.fail(call, DOWN)

    assert await visit(stage, timedelta(hours=48)) is SweepResult.FORGOTTEN
    assert state_of(stage) is ImageState.UNAVAILABLE
    assert stage.session.image.face_attributes is None


async def test_a_place_for_pictures_that_is_away_is_tried_again_less_and_less_often(
    stage: Stage,
) -> None:
    away = StoreUnavailableError("away")
    stage.images.faults.fail("insert", away)

    assert await visit(stage) is away
    assert stage.session.alarm_at == NOW + timedelta(minutes=1)
    assert stage.session.has_face_data
    assert await visit(stage, timedelta(minutes=1)) is away
    assert stage.session.alarm_at == NOW + timedelta(minutes=3)
    stage.images.faults.clear()
    assert await visit(stage, timedelta(minutes=3)) is SweepResult.DELETED
    assert stage.images.images == {SESSION_ID: JPEG}


async def test_a_deployment_that_has_no_place_any_more_gives_the_picture_up(stage: Stage) -> None:
    images = replace(stage.app.sweep.walk.images, store=None)
    walk = replace(stage.app.sweep.walk, images=images)

    await walk.visit(stage.session)

    assert state_of(stage) is ImageState.UNAVAILABLE
    stage.clock.moment = NOW + RETENTION
    assert await walk.handle_alarm(SESSION_ID) is SweepResult.PURGED


async def test_whoever_stores_a_picture_and_finds_the_record_gone_removes_it_again(
    stage: Stage,
) -> None:
    stage.faults.fail_next("replace", stage.store.table.rows.clear)

    assert isinstance(await visit(stage), StoreConflictError)
    assert stage.images.images == {}


async def test_whoever_loses_a_race_leaves_the_picture_where_it_is(stage: Stage) -> None:
    stage.faults.fail_next("replace", StoreConflictError("lost"))

    assert isinstance(await visit(stage), StoreConflictError)
    assert stage.images.images == {SESSION_ID: JPEG}


async def test_a_picture_that_was_kept_by_whoever_crashed_before_writing_it_down_is_stored(
    stage: Stage,
) -> None:
    def crash() -> None:
        raise Crash

    stage.faults.fail_next("replace", crash)
    with pytest.raises(Crash):
        await stage.app.sweep.walk.handle_alarm(SESSION_ID)
    stage.face.images[SESSION_IMAGE_ID] = NoImage.NOT_FOUND

    assert await visit(stage) is SweepResult.DELETED
    assert state_of(stage) is ImageState.STORED
    assert stage.events.named("image unavailable") == []


async def test_a_picture_is_not_given_up_before_its_place_can_be_looked_into(
    stage: Stage,
) -> None:
    away = StoreUnavailableError("away")
    stage.images.faults.fail("load", away)
    stage.face.images[SESSION_IMAGE_ID] = NoImage.NOT_FOUND

    assert await visit(stage) is away
    assert (state_of(stage), stage.session.has_face_data) == (ImageState.PENDING, True)
    stage.images.faults.clear()
    assert await visit(stage, timedelta(minutes=1)) is SweepResult.DELETED
    assert state_of(stage) is ImageState.UNAVAILABLE


async def test_whoever_keeps_a_picture_that_another_was_refused_removes_it_again(
    stage: Stage,
) -> None:
    def be_overtaken() -> None:
        stage.store.hold(replace(stage.session, image=stage.session.image.unavailable()))

    stage.faults.fail_next("replace", be_overtaken)

    assert isinstance(await visit(stage), StoreConflictError)
    assert stage.images.images == {}


async def test_a_purge_removes_the_picture_first(stage: Stage) -> None:
    await visit(stage)
    away = StoreUnavailableError("away")
    stage.images.faults.fail("delete", away)

    assert await visit(stage, RETENTION) is away
    assert stage.session_rows
    stage.images.faults.clear()
    assert await visit(stage, RETENTION) is SweepResult.PURGED
    assert (stage.rows, stage.images.images) == ([], {})


@pytest.mark.parametrize("session_id", [SESSION_ID, "a" + SESSION_ID[1:], "nonsense"])
async def test_no_picture_is_to_be_had_of_a_session_that_is_open_or_not_there(
    session_id: str,
) -> None:
    stage = Stage(settings=KEEPS).at(STARTED, None)

    with pytest.raises((ImageNotFoundError, SessionNotFoundError)) as refused:
        await stage.app.results.load_image(session_id)

    is_known = session_id == SESSION_ID
    assert refused.type is (ImageNotFoundError if is_known else SessionNotFoundError)


async def test_a_picture_that_is_gone_from_its_place_is_not_found(stage: Stage) -> None:
    await visit(stage)
    stage.images.images.clear()

    with pytest.raises(ImageNotFoundError):
        await stage.app.results.load_image(SESSION_ID)


async def test_by_which_ids_face_knows_the_calls_is_kept_of_each_operation() -> None:
    stage = Stage(settings=KEEPS).at(STARTED, a_passing_answer())
    stage.face.images[SESSION_IMAGE_ID] = JPEG
    stage.face.request_ids = {
        name: f"id-of-{name}" for name in ("get", "delete", "image", "detect")
    }

    await stage.complete_it(Report())
    await stage.app.queue_flow.settle(SESSION_ID)

    assert asdict(stage.session.face_request_ids) == {**stage.face.request_ids, "create": None}
    (ended,) = stage.events.named("session ended")
    assert ended["face_request_id"] == "id-of-get"
