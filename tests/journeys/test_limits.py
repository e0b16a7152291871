"""R11, R26, R30, R36: what one person may do, and when again."""

import asyncio
import os
import secrets

import pytest

from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, Check, World, check_of, form, picture

# A proof takes more: CANCEL_RACES=150.
RACES = int(os.environ.get("CANCEL_RACES", "6"))


def a_person() -> dict[str, str]:
    return {"userCorrelationId": secrets.token_hex(8), "deviceCorrelationId": "shared-tablet"}


def a_device() -> dict[str, str]:
    return {"deviceCorrelationId": secrets.token_hex(8)}


def refusal_of(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Retry-After"] == str(answer.body["retryAfterSeconds"])
    return answer.status, answer.code


async def fail_once(world: World, person: dict[str, str]) -> None:
    check = check_of(await world.create(json=person))
    await world.play(check, "spoofface")
    await world.complete(check)


async def test_exactly_five_of_many_creates_at_once_succeed(world: World) -> None:
    person, before = a_person(), await world.at_face()
    calls = len(await world.face_calls())

    answers = await asyncio.gather(*(world.create(json=person) for _ in range(40)))

    refused = [answer for answer in answers if answer.status != 201]
    assert len(refused) == 35
    assert {refusal_of(answer) for answer in refused} == {(429, "TooManySessions")}
    assert all(595 <= int(answer.headers["Retry-After"]) <= 600 for answer in refused)
    assert len(await world.at_face() - before) == len(await world.face_calls()) - calls == 5


@pytest.mark.parametrize("end", ["complete", "cancel", "sweep"])
async def test_an_ending_makes_room_in_its_own_transaction(world: World, end: str) -> None:
    person = a_person()
    checks = [check_of(await world.create(json=person)) for _ in range(5)]
    full = await world.create(json=person)

    await _end(world, checks[0], end)
    again = await world.create(json=person)

    assert (full.status, again.status) == (429, 201)


async def test_endings_of_one_person_at_the_same_moment_all_make_room(world: World) -> None:
    person = a_person()
    checks = [check_of(await world.create(json=person)) for _ in range(5)]

    answers = await asyncio.gather(*(world.cancel(check) for check in checks))
    again = [await world.create(json=person) for _ in range(6)]

    assert {answer.status for answer in answers} == {204}
    assert [answer.status for answer in again] == [201] * 5 + [429]


async def test_open_sessions_that_nobody_ends_end_with_their_tokens(world: World) -> None:
    person = a_person()
    for _ in range(5):
        await world.create(json=person)
    full = await world.create(json=person)
    await world.fail("any", times=1, status=503)

    # Neither Face nor the sweep has to do anything.
    await world.wait(int(full.headers["Retry-After"]))
    await world.clear_faults()
    again = await world.create(json=person)

    assert (refusal_of(full), again.status) == ((429, "TooManySessions"), 201)


async def test_a_person_starts_no_more_than_twenty_checks_an_hour(world: World) -> None:
    person = a_person()
    for _ in range(20):
        assert (await world.cancel(check_of(await world.create(json=person)))).status == 204
    calls = await world.face_calls()

    refused = await world.create(json=person)

    assert refusal_of(refused) == (429, "TooManyAttempts")
    assert await world.face_calls() == calls
    await world.wait(int(refused.headers["Retry-After"]))
    assert (await world.create(json=person)).status == 201


async def test_a_person_who_fails_again_and_again_waits_longer_and_longer(world: World) -> None:
    person, waits = a_person(), []
    for _ in range(4):
        await fail_once(world, person)
    for _ in range(3):
        await fail_once(world, person)
        refused = await world.create(json=person)
        assert refusal_of(refused) == (429, "TooManyAttempts")
        waits.append(int(refused.headers["Retry-After"]))
        await world.wait(waits[-1])

    assert [round(seconds / 60) for seconds in waits] == [1, 2, 4]
    check = check_of(await world.create(json=person))
    await world.play(check, "realface")
    await world.complete(check)
    await fail_once(world, person)
    assert (await world.create(json=person)).status == 201


async def test_an_operator_unlocks_a_person(world: World) -> None:
    person = a_person()
    for _ in range(5):
        await fail_once(world, person)
    locked = await world.create(json=person)

    answers = [
        await world.call("POST", "/persons/unlock", headers=FUNCTION_KEY, json=body)
        for body in ({"userCorrelationId": person["userCorrelationId"]}, person, {})
    ]

    assert refusal_of(locked) == (429, "TooManyAttempts")
    assert [one.status for one in answers] == [204, 400, 400]
    assert (await world.create(json=person)).status == 201


async def test_an_operator_lists_what_a_person_has_started(world: World) -> None:
    person = a_person()
    named = {"userCorrelationId": person["userCorrelationId"]}
    await fail_once(world, person)
    opened = check_of(await world.create(json=person))

    async def ask(**body: str) -> Answer:
        return await world.call("POST", "/persons/sessions", headers=FUNCTION_KEY, json=body)

    found, unknown = await ask(**named), await ask(**a_device())
    wrong = await ask(**named, continuation="AQ==")

    assert [one["outcome"] for one in found.body["sessions"]] == [None, "rejected"]
    newest = found.body["sessions"][0]
    assert (newest["sessionId"], newest["endedAt"]) == (opened.session_id, None)
    assert unknown.body == {"sessions": [], "continuation": None}
    assert (wrong.status, wrong.body["error"]["target"]) == (400, "continuation")


async def test_whoever_cancels_while_the_device_is_at_work_has_failed(world: World) -> None:
    person = a_person()
    for _ in range(5):
        check = check_of(await world.create(json=person))
        await world.play(check, "running")
        await world.cancel(check)

    refused = await world.create(json=person)

    assert await world.verdict(check) == ("canceled", None, ["CanceledDuringCheck"])
    assert refusal_of(refused) == (429, "TooManyAttempts")


@pytest.mark.parametrize("number", range(RACES))
async def test_a_spoof_that_races_a_cancel_is_rejected_or_counted(
    world: World, number: int
) -> None:
    check = await world.start()
    await world.play(check, "running")

    async def cancel() -> Answer:
        for _ in range(number % 6):
            await world.status(check)
        return await world.cancel(check)

    played, _ = await asyncio.gather(_try_to_play(world, check, "spoofface"), cancel())

    status, outcome, reasons = await world.verdict(check)
    assert (status, outcome) == ("completed", "rejected") or reasons == ["CanceledDuringCheck"]
    assert played or status == "canceled"


async def test_poor_pictures_are_starts_too(world: World) -> None:
    person = a_person()
    await world.face("reference", {"qualityForRecognition": "low"})
    answers = [await world.create(data=form(picture(), **person)) for _ in range(21)]
    await world.face("reference", {"qualityForRecognition": "high"})

    assert [answer.status for answer in answers] == [422] * 20 + [429]
    assert refusal_of(answers[-1]) == (429, "TooManyAttempts")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(" bob", id="a-blank-before"),
        pytest.param("bob ", id="a-blank-behind"),
        pytest.param("bo\u200bb", id="one-that-cannot-be-seen"),
        pytest.param("bo\u00a0b", id="a-blank-of-another-kind"),
        pytest.param("\N{GRINNING FACE}" * 33, id="more-than-64-utf-16-units"),
    ],
)
async def test_an_id_that_looks_like_another_is_refused_by_its_name(
    world: World, wrong: str
) -> None:
    for name in ("userCorrelationId", "deviceCorrelationId"):
        answer = await world.create(json={"deviceCorrelationId": "d", name: wrong})

        assert (answer.status, answer.body["error"]["target"]) == (400, name)


async def test_two_spellings_of_one_id_are_one_person(world: World) -> None:
    name = secrets.token_hex(8)
    composed, decomposed = f"{name}\u00e9", f"{name}e\u0301"
    for spelling in [composed, decomposed] * 3:
        last = await world.create(json={"deviceCorrelationId": spelling})

    assert last.status == 429


async def _try_to_play(world: World, check: Check, outcome: str) -> bool:
    try:
        await world.play(check, outcome)
    except AssertionError:
        return False
    return True


async def _end(world: World, check: Check, end: str) -> Answer | None:
    if end == "complete":
        await world.play(check, "realface")
        return await world.complete(check)
    if end == "cancel":
        return await world.cancel(check)
    await world.wait(901)
    await world.sweep()
    return None
