"""Sessions that nobody else can use, and no more of them than a person may have.

R-numbers name requirements that docs/security.md lists.
"""

import asyncio
import secrets

import pytest

from tests.conftest import Configure
from tests.support.constants import FUNCTION_KEY
from tests.support.world import Answer, Check, World, check_of, form, picture


def _keyed(key: str) -> dict[str, str]:
    return {**FUNCTION_KEY, "Idempotency-Key": key}


def _person() -> dict[str, str]:
    return {"userCorrelationId": secrets.token_hex(8), "deviceCorrelationId": "shared-tablet"}


class TestIdempotentCreate:
    """A create that is repeated is one session."""

    async def test_a_repeated_create_opens_no_second_session_and_takes_nothing_from_the_first(
        self, world: World
    ) -> None:
        before, person = await world.at_face(), _person()
        check = check_of(await world.create(headers=_keyed("k1"), json=person))
        calls = await world.face_calls()
        early = await world.create(headers=_keyed("k1"), json=person)
        asked = (await world.face_calls())[len(calls) :]
        alive = await world.at_face() - before
        await world.play(check, "realface")
        completed = await world.complete(check)
        late = await world.create(headers=_keyed("k1"), json=person)

        assert asked == []
        assert alive == {(await world.row(check))["faceSessionId"]}
        assert completed.body["status"] == "completed"
        assert {
            (one.status, one.code, one.headers.get("Retry-After")) for one in (early, late)
        } == {(409, "SessionConflict", None)}

    async def test_whoever_lost_the_answer_starts_a_session_under_another_key(
        self, world: World
    ) -> None:
        person = _person()
        lost = check_of(await world.create(headers=_keyed("k2"), json=person))
        repeat = await world.create(headers=_keyed("k2"), json=person)
        check = check_of(await world.create(headers=_keyed("k3"), json=person))
        await world.play(check, "realface")
        completed = await world.complete(check)

        await world.wait(901)
        await world.sweep()

        assert (repeat.status, completed.body["status"]) == (409, "completed")
        assert (await world.status(lost)).body["status"] == "abandoned"

    async def test_another_request_under_the_same_key_is_refused(self, world: World) -> None:
        person = _person()
        await world.create(headers=_keyed("k5"), json=person)
        calls = await world.face_calls()

        answers = [
            await world.create(headers=_keyed("k5"), json={**person, "livenessOperationMode": mode})
            for mode in ("Passive",)
        ]
        answers.append(await world.create(headers=_keyed("k5"), data=form(picture(), **person)))

        assert {(answer.status, answer.code) for answer in answers} == {
            (422, "IdempotencyKeyReused")
        }
        assert await world.face_calls() == calls

    async def test_the_same_key_many_times_at_once_has_one_session_and_agreeing_answers(
        self, world: World
    ) -> None:
        before, person = await world.at_face(), _person()

        answers = await asyncio.gather(
            *(world.create(headers=_keyed("k8"), json=person) for _ in range(10))
        )

        won = {answer.body["sessionId"] for answer in answers if answer.status == 201}
        lost = [answer for answer in answers if answer.status != 201]
        assert len(won) == 1
        assert {(answer.status, answer.code) for answer in lost} == {(409, "SessionConflict")}
        await world.sweep()
        assert len(await world.at_face() - before) == 1

    async def test_a_key_is_stored_hashed_and_gone_after_a_day(self, world: World) -> None:
        key, person = secrets.token_hex(16), _person()
        check = check_of(await world.create(headers=_keyed(key), json=person))
        stored = [row for row in await world.rows() if row.get("sessionId") == check.session_id]

        await world.wait(24 * 3600 + 1)
        fresh = check_of(await world.create(headers=_keyed(key), json=person))
        await world.wait(24 * 3600 + 1)
        await world.sweep()

        assert len(stored) == 1
        assert key not in str(await world.rows())
        assert fresh.session_id != check.session_id
        assert not [row for row in await world.rows() if row["RowKey"] == stored[0]["RowKey"]]


class TestCaps:
    """R11, R26, R30: a person has at most MAX_OPEN_SESSIONS open sessions."""

    async def test_exactly_five_of_many_creates_at_once_succeed(self, world: World) -> None:
        person, before = _person(), await world.at_face()

        answers = await asyncio.gather(*(world.create(json=person) for _ in range(12)))

        refused = [answer for answer in answers if answer.status != 201]
        assert len(refused) == 7
        assert {(answer.status, answer.code) for answer in refused} == {(429, "TooManySessions")}
        assert {answer.headers["Retry-After"] for answer in refused} == {"60"}
        assert len(await world.at_face() - before) == 5

    @pytest.mark.parametrize("end", ["complete", "cancel", "sweep"])
    async def test_an_ending_makes_room_in_its_own_transaction(
        self, world: World, end: str
    ) -> None:
        person = _person()
        checks = [check_of(await world.create(json=person)) for _ in range(5)]
        full = await world.create(json=person)

        await _end(world, checks[0], end)
        again = await world.create(json=person)

        assert (full.status, again.status) == (429, 201)

    async def test_endings_of_one_person_at_the_same_moment_all_make_room(
        self, world: World
    ) -> None:
        person = _person()
        checks = [check_of(await world.create(json=person)) for _ in range(5)]

        answers = await asyncio.gather(*(world.cancel(check) for check in checks))
        again = [await world.create(json=person) for _ in range(6)]

        assert {answer.status for answer in answers} == {204}
        assert [answer.status for answer in again] == [201] * 5 + [429]


class TestReferenceImageFirst:
    """R9: a reference image that Face finds poor opens nothing."""

    @pytest.mark.parametrize(
        ("quality", "minimum", "status"),
        [
            ("medium", "medium", 201),
            ("medium", "high", 422),
        ],
    )
    async def test_a_reference_image_below_the_least_quality_ends_the_create(
        self, world: World, configure: Configure, quality: str, minimum: str, status: int
    ) -> None:
        await configure(MIN_REFERENCE_QUALITY=minimum)
        await world.face("reference", {"qualityForRecognition": quality})
        before, rows = await world.at_face(), await world.rows()

        answer = await world.create(data=form(picture()))

        await world.face("reference", {"qualityForRecognition": "high"})
        assert answer.status == status
        if status == 422:
            assert answer.code == "ReferenceImageQuality"
            assert "authToken" not in answer.text
            assert (await world.at_face(), await world.rows()) == (before, rows)


class TestEntra:
    """R1: Face by the app's own identity, with no key anywhere."""

    async def test_a_check_runs_without_a_key_and_without_the_vault(
        self, world: World, configure: Configure
    ) -> None:
        await configure(FACE_AUTH="entra", KEY_VAULT_URL="")
        await world.fail("vault", times=50, status=503)

        check = await world.start()
        await world.play(check, "realface")

        assert (await world.complete(check)).body["status"] == "completed"


class TestReminders:
    """R28: a frontend cannot multiply its own calls on the queue."""

    async def test_many_early_completions_put_one_message_on_the_queue(self, world: World) -> None:
        check = await world.start()
        await world.play(check, "running")
        before = await world.messages()

        calls = len(await world.face_calls())
        for _ in range(60):
            assert (await world.complete(check)).status == 202

        assert await world.messages() - before <= 1
        assert len(await world.face_calls()) - calls <= 2


async def _end(world: World, check: Check, end: str) -> Answer | None:
    if end == "complete":
        await world.play(check, "realface")
        return await world.complete(check)
    if end == "cancel":
        return await world.cancel(check)
    await world.wait(901)
    await world.sweep()
    return None
