"""When Face, the key, the table or the queue fails: an error or a wait, never a verdict."""

from typing import Any

import pytest

from tests.conftest import Configure
from tests.support.world import Check, World, eventually

DEVICE = {"deviceCorrelationId": "phone-1"}
NOWHERE = "http://127.0.0.1:9"

type Fault = dict[str, Any]

FACE_IS_AWAY: list[Fault] = [
    {"status": 500},
    {"status": 503},
    {"status": 429, "retryAfterSeconds": 7},
    {"status": 302},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "garbage"},
]
WAYS = [str(next(iter(fault.values()))) for fault in FACE_IS_AWAY]


@pytest.mark.parametrize("fault", FACE_IS_AWAY, ids=WAYS)
async def test_a_create_while_face_is_away_is_face_unavailable_and_stores_nothing(
    world: World, fault: Fault
) -> None:
    rows = await world.rows()
    await world.fail("create", times=100, **fault)

    answer = await world.create(json=DEVICE)

    wait = fault.get("retryAfterSeconds", 5)
    assert (answer.status, answer.code) == (503, "FaceUnavailable")
    assert answer.headers["Retry-After"] == str(wait)
    assert answer.body["retryAfterSeconds"] == wait
    assert await world.rows() == rows


@pytest.mark.parametrize("fault", FACE_IS_AWAY, ids=WAYS)
async def test_a_completion_while_face_is_away_is_recorded_by_the_queue(
    world: World, fault: Fault
) -> None:
    check = await world.start()
    told = await world.play(check, "realface")
    await world.fail("get", times=100, **fault)

    answer = await world.complete(check, {"digest": told["digest"]})
    await world.clear_faults()

    assert (answer.status, answer.body["status"]) == (202, "processing")
    await eventually(lambda: _status(world, check), "completed")
    assert await world.verdict(check) == ("completed", "passed", [])


async def test_giving_up_while_face_is_away_is_face_unavailable_and_changes_nothing(
    world: World,
) -> None:
    check = await world.start()
    before = await world.row(check)
    await world.fail("get", times=100, status=503)

    answer = await world.cancel(check)

    assert (answer.status, answer.code) == (503, "FaceUnavailable")
    assert await world.row(check) == before


@pytest.mark.parametrize("status", [403, 404, 409, 415])
async def test_a_create_that_face_refuses_us_is_face_refused(world: World, status: int) -> None:
    rows = await world.rows()
    await world.fail("create", status=status, code="UnsupportedFeature")

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (502, "FaceRefused")
    assert "UnsupportedFeature" not in answer.text
    assert await world.rows() == rows


async def test_a_key_that_face_keeps_refusing_is_face_refused_after_one_refresh(
    world: World,
) -> None:
    seen = len(await world.face_calls())
    await world.fail("create", times=2, status=401, code="401")

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (502, "FaceRefused")
    assert (await world.face_calls())[seen:] == [("POST", 401), ("POST", 401)]


async def test_a_completion_that_face_refuses_us_is_processing(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")
    await world.fail("get", status=403)

    answer = await world.complete(check)

    assert (answer.status, answer.body["status"]) == (202, "processing")
    await eventually(lambda: _status(world, check), "completed")


async def test_a_slow_face_is_face_unavailable(world: World, configure: Configure) -> None:
    await configure(FACE_TIMEOUT_SECONDS="0.3")
    await world.fail("create", delayMs=1500)

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (503, "FaceUnavailable")


@pytest.mark.parametrize("operation", ["vault", "identity"])
async def test_a_create_without_a_key_is_key_unavailable(
    world: World, configure: Configure, operation: str
) -> None:
    await configure()
    calls = await world.face_calls()
    await world.fail(operation, times=20, status=503)

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (503, "KeyUnavailable")
    assert answer.headers["Retry-After"] == "5"
    assert await world.face_calls() == calls


async def test_a_completion_without_a_key_is_processing_and_recorded_later(
    world: World, configure: Configure
) -> None:
    check = await world.start()
    await world.play(check, "realface")
    await configure()
    await world.fail("vault", times=2, status=503)

    answer = await world.complete(check)

    assert (answer.status, answer.body["status"]) == (202, "processing")
    await eventually(lambda: _status(world, check), "completed")


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


async def test_a_storage_connection_that_is_none_is_a_configuration_error(
    world: World, configure: Configure
) -> None:
    await configure(AzureWebJobsStorage="nonsense")

    answer = await world.create(json=DEVICE)

    assert (answer.status, answer.code) == (500, "ConfigurationError")


async def test_a_face_session_that_could_not_be_deleted_is_deleted_by_the_sweep(
    world: World,
) -> None:
    check = await world.start()
    face_id = (await world.row(check))["faceSessionId"]
    await world.play(check, "realface")
    await world.fail("delete", status=503)

    answer = await world.complete(check)
    kept = face_id in await world.at_face()
    await world.sweep()

    assert answer.body["status"] == "completed"
    assert kept
    assert face_id not in await world.at_face()
    assert (await world.row(check))["atFace"] is False


async def test_a_stale_session_waits_for_face_and_keeps_its_alarm_moving(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")
    await world.wait(901)
    delays = []

    for _ in range(3):
        await world.fail("any", times=100, status=503)
        before = await world.alarms(check)
        await world.sweep()
        await world.clear_faults()
        delays.append(
            (before != await world.alarms(check), (await world.row(check))["alarmDelays"])
        )
        await world.wait(600)
    await world.sweep()

    assert delays == [(True, 1), (True, 2), (True, 3)]
    assert await world.verdict(check) == ("completed", "passed", [])


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


async def test_one_session_that_fails_never_stops_the_sweep_of_others(world: World) -> None:
    broken, sound = await world.start(), await world.start()
    row = await world.row(broken)
    await world.table.upsert_entity({**row, "status": "no status of ours"}, mode="replace")
    await world.play(sound, "realface")

    await world.wait(901)
    await world.sweep()

    assert await world.verdict(sound) == ("completed", "passed", [])
    await _remove(world, broken)


async def test_a_message_for_an_unknown_or_final_session_is_done_at_once(world: World) -> None:
    check = await world.start()
    await world.cancel(check)
    calls = await world.face_calls()

    await world.send(check.session_id)
    await world.send("0" * 33)

    await eventually(world.messages, 0)
    assert await world.face_calls() == calls


async def test_a_message_that_names_no_session_ends_in_poison(world: World) -> None:
    before = await world.poison()

    await world.send("nonsense")

    await eventually(world.messages, 0)
    assert await world.poison() == before + 1


async def test_a_message_lets_go_of_a_session_that_never_gets_a_result(world: World) -> None:
    check = await world.start()
    await world.play(check, "running")
    poison = await world.poison()

    await world.complete(check)

    await eventually(world.messages, 0)
    assert await world.poison() == poison
    assert (await world.status(check)).body["status"] == "processing"
    assert len(await world.alarms(check)) == 1


async def test_a_sweep_records_what_the_queue_let_go(world: World) -> None:
    check = await world.start()
    await world.play(check, "running")
    await world.complete(check)
    await eventually(world.messages, 0)
    await world.play(check, "spoofface")

    await world.wait(121)
    await world.sweep()

    assert await world.verdict(check) == ("completed", "rejected", ["Spoof"])


async def _status(world: World, check: Check) -> str:
    return str((await world.status(check)).body["status"])


async def _remove(world: World, check: Check) -> None:
    for row in await world.rows():
        if check.session_id in row["RowKey"]:
            await world.table.delete_entity(row["PartitionKey"], row["RowKey"])
