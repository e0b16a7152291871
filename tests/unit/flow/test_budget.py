"""What each call costs at Face and at Storage, which both bill and throttle by the call."""

from dataclasses import replace

import pytest

from shared.image_choices import SessionImage
from shared.secret import Secret
from shared.session.session import Report, Status
from tests.support.builders import SESSION_ID, TOKEN, a_passing_answer, a_request
from tests.support.stage import SETTINGS, Stage
from tests.unit.flow.states import STALE_AT, STARTED


@pytest.mark.parametrize("key", [None, Secret("k" * 16)], ids=["without-a-key", "with-a-key"])
async def test_a_create_costs_one_face_call_and_two_requests(
    key: Secret | None, stage: Stage
) -> None:
    await stage.app.start.start(a_request(user="user-1"), key)

    assert stage.face_calls == ["create"]
    assert stage.store.table.requests == ["list", "commit"]


async def test_a_completion_of_a_person_costs_one_look_one_delete_and_three_requests(
    stage: Stage,
) -> None:
    case = await stage.case(key="k" * 16, answer=a_passing_answer())
    stage.face.calls.clear()
    stage.store.table.requests.clear()

    await stage.complete(stage.app, case)

    assert stage.face.calls == ["get", "delete"]
    assert stage.store.table.requests == ["read", "commit", "commit"]
    assert [len(one) for one in stage.store.table.commits[-2:]] == [5, 3]


async def test_a_completion_costs_one_look_one_delete_and_three_requests(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer())

    completed = await stage.complete_it(Report())

    assert completed.status is Status.COMPLETED
    assert stage.face_calls == ["get", "delete"]
    assert stage.store.table.requests == ["read", "commit", "commit"]


async def test_with_pictures_a_completion_costs_one_look_two_requests_and_one_message() -> None:
    kept = replace(SETTINGS, session_image=SessionImage.ALWAYS)
    stage = Stage(settings=kept).at(STARTED, a_passing_answer())

    completed = await stage.complete_it(Report())

    assert completed.status is Status.COMPLETED
    assert stage.face_calls == ["get"]
    assert stage.store.table.requests == ["read", "commit"]
    assert stage.messages == [0]


async def test_a_status_costs_one_request(stage: Stage) -> None:
    await stage.at(STARTED, None).app.flow.load(SESSION_ID, TOKEN)

    assert stage.face_calls == []
    assert stage.store.table.requests == ["read"]


async def test_a_sweep_of_nothing_costs_one_request_for_each_shard(stage: Stage) -> None:
    stage.store.hold(STARTED)

    await stage.app.sweep.run()

    assert stage.store.table.requests == ["list"] * 16


async def test_a_sweep_costs_three_requests_for_each_session_that_it_settles(stage: Stage) -> None:
    stage.at(STARTED, a_passing_answer()).clock.moment = STALE_AT

    await stage.app.sweep.run()

    assert stage.face_calls == ["get", "delete"]
    assert stage.store.table.requests == ["list"] * 16 + ["read", "commit", "commit"]
