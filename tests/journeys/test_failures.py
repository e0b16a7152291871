"""What fails beside the calls of the fault table: settings, messages, the table, Face for days."""

import logging

import pytest

from tests.conftest import Configure
from tests.support.world import Check, World, eventually

DEVICE = {"deviceCorrelationId": "phone-1"}


async def test_giving_up_while_face_is_away_is_face_unavailable_and_asks_it_once(
    world: World,
) -> None:
    check = await world.start()
    await world.fail("get", times=100, status=503)
    before = len(await world.face_calls())

    answers = [await world.cancel(check) for _ in range(5)]

    assert {(answer.status, answer.code) for answer in answers} == {(503, "FaceUnavailable")}
    assert {answer.headers["Retry-After"] for answer in answers} <= {"1", "2"}
    assert len(await world.face_calls()) == before + 1
    assert (await world.status(check)).body["status"] == "started"


async def test_no_route_answers_anything_but_store_unavailable_without_the_table(
    world: World, configure: Configure
) -> None:
    check = await world.start()
    await world.play(check, "realface")
    kept = await world.at_face()
    storage = world.stack.settings["AzureWebJobsStorage"]
    nowhere = storage.replace(f":{world.stack.ports.table}/", ":9/")
    await configure(AzureWebJobsStorage=nowhere, STORE_TIMEOUT_SECONDS="1")

    answers = [
        await world.create(json=DEVICE),
        await world.status(check),
        await world.complete(check),
        await world.cancel(check),
        await world.result(check),
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(503, "StoreUnavailable")}
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert await world.at_face() == kept


async def test_missing_settings_are_a_configuration_error_that_names_nothing_outside(
    world: World, configure: Configure
) -> None:
    await configure(FACE_ENDPOINT="", KEY_VAULT_URL="ftp://vault")

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (500, "ConfigurationError")
    assert "FACE_ENDPOINT" not in answer.text


async def test_a_session_is_abandoned_without_face_only_when_face_has_forgotten_it(
    world: World,
) -> None:
    check = await world.start()
    await world.play(check, "realface")
    await world.fail("any", times=10_000, status=503)

    await world.wait(47 * 3600)
    await world.sweep()
    waiting = (await world.status(check)).body["status"]
    await world.wait(3 * 3600)
    await world.sweep()

    assert waiting == "started"
    assert await world.verdict(check) == ("abandoned", None, [])


async def test_a_message_for_an_unknown_or_final_session_is_done_at_once(world: World) -> None:
    check = await world.start()
    await world.cancel(check)
    # Another test's session may still be looked at.
    await eventually(world.messages, 0)
    calls = await world.face_calls()

    await world.send(check.session_id)
    await world.send("0" * 33)

    await eventually(world.messages, 0)
    assert await world.face_calls() == calls


async def test_a_message_that_names_no_session_ends_in_poison(world: World) -> None:
    before = await world.poison()

    await world.send("nonsense")

    await eventually(world.poison, before + 1)
    await eventually(world.messages, 0)


@pytest.mark.own_host
async def test_a_result_that_comes_five_seconds_late_is_recorded_by_the_third_look_without_a_fuss(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    check = await world.start()
    await world.play(check, "running")
    poison = await world.poison()

    await world.complete(check)
    # At once and after 2 seconds: nothing yet.
    await eventually(lambda: _empty_looks(world, check), 2)
    waiting = (await world.status(check)).body["status"]
    await world.play(check, "realface")
    await eventually(lambda: _status(world, check), "completed")

    # After 6 seconds: well within 10.
    assert await _empty_looks(world, check) == 2
    assert waiting == "processing"
    assert await world.poison() == poison
    assert [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info] == []


async def _status(world: World, check: Check) -> object:
    return (await world.status(check)).body["status"]


async def _empty_looks(world: World, check: Check) -> object:
    return (await world.row(check))["emptyLooks"]
