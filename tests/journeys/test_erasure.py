"""A person asks to be forgotten, and an operator sees to it."""

import secrets

from local.stack.stack import Stack
from shared.session.person import PersonKind
from tests.conftest import Configure
from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, Json, World, check_of, eventually


async def erase(world: World, body: Json) -> Answer:
    return await world.call("POST", "/persons/erase", headers=FUNCTION_KEY, json=body)


async def test_all_that_is_kept_of_a_person_goes_and_the_receipt_says_so(
    world: World, stack: Stack, configure: Configure
) -> None:
    await configure(
        SESSION_IMAGE="allow", EVENTS_TOPIC_ENDPOINT=stack.settings["EVENTS_TOPIC_ENDPOINT"]
    )
    user = {"userCorrelationId": secrets.token_hex(8)}
    body = {**user, "deviceCorrelationId": secrets.token_hex(8)}
    passed = await world.start(**user, enableSessionImage=True)
    await world.play(passed, "realface")
    await world.complete(passed)

    async def image_state() -> str:
        return str((await world.result(passed)).body["sessionImage"])

    await eventually(image_state, "stored")
    key = {**FUNCTION_KEY, "Idempotency-Key": secrets.token_hex(16)}
    opened = check_of(await world.create(headers=key, json=body))
    person = world.sealer.hash_person(PersonKind.USER, user["userCorrelationId"])

    begun = await erase(world, user)
    receipt = {"receiptId": begun.body["receiptId"]}
    refused = await world.create(json=body)
    again, asked = await erase(world, user), await erase(world, receipt)
    await world.wait(61)
    await world.sweep()
    erased = await erase(world, receipt)

    assert (begun.status, begun.body) == (
        202,
        {**receipt, "sessions": 2, "status": "erasing", "erasedAt": None},
    )
    assert (refused.status, refused.code) == (409, "PersonBeingErased")
    assert int(refused.headers["Retry-After"]) == 60
    assert (again.status, again.body) == (asked.status, asked.body) == (202, begun.body)
    assert (erased.status, erased.body["status"]) == (200, "erased")
    ids = passed.session_id, opened.session_id, person, user["userCorrelationId"]
    text = str(await world.rows())
    assert [one for one in ids if one in text] == []
    assert await world.picture(passed.session_id) is None
    assert (await world.result(passed)).code == "SessionNotFound"
    renewed = await world.create(json={**body, "referenceSessionId": passed.session_id})
    assert renewed.code == "ReferenceUnusable"
    await world.sweep()
    await eventually(lambda: told_of(world, receipt["receiptId"]), {**receipt, "sessions": 2})
    await world.wait(91 * 86_400)
    await world.sweep()
    assert (await erase(world, receipt)).code == "ReceiptNotFound"


async def told_of(world: World, receipt_id: str) -> Json:
    """Return what the event of an erasure told."""
    async with world.http.get(f"{world.stack.face_url}/simulator/events") as answer:
        events = await answer.json()
    found = [one for one in events if one["id"] == f"PersonErased:{receipt_id}"]
    assert len(found) <= 1
    return found[0]["data"] if found else None


async def test_only_one_who_is_named_is_erased(world: World) -> None:
    user, device = {"userCorrelationId": "u-1"}, {"deviceCorrelationId": "d-1"}
    wrong = [{}, {**user, **device}, {**user, "receiptId": "0" * 33}, {"receiptId": 7}]
    answers = [await erase(world, body) for body in wrong]
    unknown = await erase(world, {"receiptId": "0" * 33})
    nobody = await erase(world, {"userCorrelationId": secrets.token_hex(8)})

    assert {(one.status, one.code) for one in answers} == {(400, "InvalidRequest")}
    assert (unknown.status, unknown.code) == (404, "ReceiptNotFound")
    assert (nobody.status, nobody.body["sessions"]) == (202, 0)
