"""A person asks to be forgotten, and an operator sees to it."""

import secrets

from local.stack.stack import Stack
from shared.session.person import PersonKind
from tests.conftest import Configure
from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, Check, Json, World, check_of, eventually


async def erase(world: World, body: Json) -> Answer:
    return await world.call("POST", "/persons/erase", headers=FUNCTION_KEY, json=body)


async def enroll(world: World, person: dict[str, str]) -> Check:
    """Have a person pass, and keep the picture."""
    check = await world.start(**person, enableSessionImage=True)
    await world.play(check, "realface")
    await world.complete(check)

    async def image_state() -> str:
        return str((await world.result(check)).body["sessionImage"])

    await eventually(image_state, "stored")
    return check


async def test_all_that_is_kept_of_a_person_goes_and_the_receipt_names_nobody(
    world: World, configure: Configure
) -> None:
    await configure(SESSION_IMAGE="allow")
    user = {"userCorrelationId": secrets.token_hex(8)}
    body = {**user, "deviceCorrelationId": secrets.token_hex(8)}
    passed = await enroll(world, body)
    key = {**FUNCTION_KEY, "Idempotency-Key": secrets.token_hex(16)}
    opened = check_of(await world.create(headers=key, json=body))
    person = world.sealer.hash_person(PersonKind.USER, user["userCorrelationId"])

    begun = await erase(world, user)
    await world.wait(61)
    await world.sweep()

    assert (begun.status, begun.body["sessions"]) == (202, 2)
    ids = passed.session_id, opened.session_id, person, user["userCorrelationId"]
    kept = str(await world.rows())
    assert [one for one in ids if one in kept] == []
    assert begun.body["receiptId"] in kept
    assert await world.picture(passed.session_id) is None
    assert (await world.result(passed)).code == "SessionNotFound"
    renewed = await world.create(json={**body, "referenceSessionId": passed.session_id})
    assert renewed.code == "ReferenceUnusable"


async def test_a_receipt_tells_how_far_it_is_until_it_goes_too(world: World) -> None:
    check = await world.start(userCorrelationId=(user := secrets.token_hex(8)))
    person = {"userCorrelationId": user}

    begun = await erase(world, person)
    receipt = {"receiptId": begun.body["receiptId"]}
    again, asked = await erase(world, person), await erase(world, receipt)
    refused = await world.create(json={**person, "deviceCorrelationId": "d-1"})
    await world.wait(61)
    await world.sweep()
    erased = await erase(world, receipt)
    await world.sweep()
    await world.wait(91 * 86_400)
    await world.sweep()

    erasing = {**receipt, "sessions": 1, "status": "erasing", "erasedAt": None}
    assert [(one.status, one.body) for one in (begun, again, asked)] == [(202, erasing)] * 3
    assert (refused.status, refused.code) == (409, "PersonBeingErased")
    assert refused.headers["Retry-After"] == "60"
    assert (erased.status, erased.body["status"]) == (200, "erased")
    assert (await world.status(check)).code == "SessionNotFound"
    assert (await erase(world, receipt)).code == "ReceiptNotFound"


async def test_your_server_is_told_once_that_somebody_is_erased_but_not_who(
    world: World, stack: Stack, configure: Configure
) -> None:
    await configure(EVENTS_TOPIC_ENDPOINT=stack.settings["EVENTS_TOPIC_ENDPOINT"])
    begun = await erase(world, {"userCorrelationId": secrets.token_hex(8)})
    receipt = {"receiptId": begun.body["receiptId"]}

    await world.wait(61)
    for _ in range(3):
        await world.sweep()

    assert await told_of(world, receipt["receiptId"]) == [{**receipt, "sessions": 0}]


async def told_of(world: World, receipt_id: str) -> Json:
    """Return what the events of an erasure told."""
    async with world.http.get(f"{world.stack.face_url}/simulator/events") as answer:
        events = await answer.json()
    return [one["data"] for one in events if one["id"] == f"PersonErased:{receipt_id}"]


async def test_only_one_who_is_named_is_erased(world: World) -> None:
    user, device = {"userCorrelationId": "u-1"}, {"deviceCorrelationId": "d-1"}
    wrong = [{}, {**user, **device}, {**user, "receiptId": "0" * 33}, {"receiptId": 7}]
    answers = [await erase(world, body) for body in wrong]
    unknown = await erase(world, {"receiptId": "0" * 33})
    nobody = await erase(world, {"userCorrelationId": secrets.token_hex(8)})

    assert {(one.status, one.code) for one in answers} == {(400, "InvalidRequest")}
    assert (unknown.status, unknown.code) == (404, "ReceiptNotFound")
    assert (nobody.status, nobody.body["sessions"]) == (202, 0)
