"""R15: a create that is repeated under its Idempotency-Key gets the same answer, and does nothing.

Each takeover, lost token and lost spoof of the first edition would fail one of these.
"""

import asyncio
import os
import secrets
from typing import Any

import pytest

from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, World, check_of, form, picture

# Of each kind; a proof takes more: REPLAY_RACES=100.
RACES = int(os.environ.get("REPLAY_RACES", "2"))


def keyed(key: str) -> dict[str, str]:
    return {**FUNCTION_KEY, "Idempotency-Key": key}


def a_key() -> str:
    return secrets.token_hex(16)


def a_person() -> dict[str, str]:
    return {"userCorrelationId": secrets.token_hex(8), "deviceCorrelationId": "shared-tablet"}


def without_seconds(answer: Answer) -> dict[str, Any]:
    return {**answer.body, "expiresInSeconds": None}


async def test_a_repeated_create_gets_the_same_answer_and_takes_nothing_from_the_first(
    world: World,
) -> None:
    key, person = a_key(), a_person()
    first = await world.create(headers=keyed(key), json=person)
    calls = len(await world.face_calls())
    await world.play(check_of(first), "running")
    await world.wait(100)

    again = await world.create(headers=keyed(key), json=person)
    asked = len(await world.face_calls()) - calls
    await world.play(check_of(first), "spoofface")

    assert (again.status, without_seconds(again)) == (201, without_seconds(first))
    assert again.body["expiresInSeconds"] <= first.body["expiresInSeconds"] - 100
    assert (again.headers["Location"], asked) == (first.headers["Location"], 0)
    await world.complete(check_of(again))
    assert (await world.verdict(check_of(first)))[1] == "rejected"


@pytest.mark.parametrize("how", ["the session is final", "the token has expired"])
async def test_a_key_whose_session_is_over_gets_no_answer_and_no_second_session(
    world: World, how: str
) -> None:
    key, person = a_key(), a_person()
    check = check_of(await world.create(headers=keyed(key), json=person))
    if how == "the session is final":
        await world.cancel(check)
    else:
        await world.wait(601)

    late = await world.create(headers=keyed(key), json=person)

    assert (late.status, late.code, late.headers.get("Retry-After")) == (
        409, "SessionConflict", None,
    )  # fmt: skip


async def test_a_repeat_comes_before_every_refusal(world: World) -> None:
    key, person = a_key(), a_person()
    first = await world.create(headers=keyed(key), json=person)
    others = [await world.create(json=person) for _ in range(5)]
    await world.fail("create", times=1, status=503)

    again = await world.create(headers=keyed(key), json=person)

    await world.clear_faults()
    assert [one.status for one in others] == [201] * 4 + [429]
    assert (again.status, without_seconds(again)) == (201, without_seconds(first))


async def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    key, person = a_key(), a_person()
    await world.create(headers=keyed(key), json=person)
    calls = await world.face_calls()

    answers = [
        await world.create(headers=keyed(key), json={**person, "livenessOperationMode": "Passive"}),
        await world.create(headers=keyed(key), data=form(picture(), **person)),
    ]

    assert {(one.status, one.code) for one in answers} == {(422, "IdempotencyKeyReused")}
    assert await world.face_calls() == calls


@pytest.mark.parametrize(
    ("key", "person"),
    [
        pytest.param("order-1001", a_person(), id="too-short"),
        pytest.param("k" * 16, {"deviceCorrelationIdSetInClient": True}, id="of-nobody"),
    ],
)
async def test_a_key_without_a_person_is_refused(
    world: World, key: str, person: dict[str, object]
) -> None:
    calls = await world.face_calls()

    answer = await world.create(headers=keyed(key), json=person)

    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert answer.body["error"]["target"] == "Idempotency-Key"
    assert await world.face_calls() == calls


async def test_the_same_key_many_times_at_once_has_one_session_and_one_answer(
    world: World,
) -> None:
    before, key, person = await world.at_face(), a_key(), a_person()

    answers = await asyncio.gather(
        *(world.create(headers=keyed(key), json=person) for _ in range(10))
    )

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["authToken"] for answer in answers}) == 1
    assert len(await world.at_face() - before) == 1


async def test_the_table_read_raw_opens_to_nobody_and_a_key_is_gone_with_its_session(
    world: World,
) -> None:
    key, person = a_key(), a_person()
    check = check_of(await world.create(headers=keyed(key), json=person))
    table = str(await world.rows())

    await world.wait(24 * 3600 + 1)
    fresh = check_of(await world.create(headers=keyed(key), json=person))
    rows = await world.rows()
    await world.cancel(fresh)
    await world.wait(91 * 86_400)
    await world.sweep()

    for secret in (key, check.auth_token, check.session_token, *person.values()):
        assert secret not in table
    assert [row for row in rows if row["RowKey"] == f"answer-{check.session_id}"] == []
    assert fresh.session_id != check.session_id
    assert fresh.session_id not in str(await world.rows())


@pytest.mark.parametrize("delay_ms", [0, 300, 3000])
async def test_no_repeat_loses_what_a_device_at_work_finishes(world: World, delay_ms: int) -> None:
    for number in range(RACES):
        key, person = a_key(), a_person()
        first = await world.create(headers=keyed(key), json=person)
        check = check_of(first)
        outcome = ("spoofface", "realface")[number % 2]
        await world.play(check, "running")
        if delay_ms:
            await world.fail("delete", delayMs=delay_ms)
        calls = await world.face_calls()

        again, _ = await asyncio.gather(
            world.create(headers=keyed(key), json=person), world.play(check, outcome)
        )
        asked = await world.face_calls()
        await world.complete(check)

        await world.clear_faults()
        assert asked == calls
        assert without_seconds(again) == without_seconds(first)
        expected = "rejected" if outcome == "spoofface" else "passed"
        assert (await world.verdict(check))[1] == expected
