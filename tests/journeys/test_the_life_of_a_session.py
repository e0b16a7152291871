"""Does a check end in the right answer and the right record: the paths that users take."""

import hashlib
import re

import pytest

from tests.conftest import Configure
from tests.support.app_lines import AppLines
from tests.support.constants import FUNCTION_KEY, STALE_SECONDS
from tests.support.world import World, eventually, picture

NOTHING_REPORTED = {"resultId": None, "livenessError": None, "recognitionError": None}
PASSED: dict[str, object] = {
    "kind": "liveness",
    "status": "completed",
    "outcome": "passed",
    "reasons": [],
    "livenessDecision": "realface",
    "attempt": {"attemptId": 1, "attemptCount": 1, "errorCode": None},
    "verify": None,
    "digest": "matched",
    "lateDigest": "none",
    "modelVersion": "2024-11-15",
    "sessionImage": "none",
    "faceAttributes": None,
    "userCorrelationId": "anna",
    "createdBy": None,
    "reference": "order-1",
    "referenceImage": None,
    "attempts": [
        {
            "attemptId": 1,
            "status": "Succeeded",
            "livenessDecision": "realface",
            "errorCode": None,
            "errorMessage": None,
            "faceRectangle": {"top": 669, "left": 203, "width": 646, "height": 724},
        }
    ],
    "consumedAt": None,
    "consumer": None,
}

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"

pytestmark = pytest.mark.usefixtures("host")


async def test_a_new_session_hands_out_its_two_tokens_and_where_it_is(world: World) -> None:
    answer = await world.create(json={"deviceCorrelationId": "phone-1"})

    body = answer.body
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/sessions/{body['sessionId']}"
    assert body.keys() == {
        *("sessionId", "kind", "status", "authToken", "sessionToken"),
        *("expiresAt", "expiresInSeconds", "modelVersion", "reference"),
    }
    assert (body["kind"], body["status"], body["expiresInSeconds"]) == ("liveness", "started", 600)
    assert re.fullmatch(r"[0-9a-f]{33}", body["sessionId"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", body["sessionToken"])


async def test_a_new_session_is_recorded_with_one_alarm_and_without_its_tokens(
    world: World,
) -> None:
    check = await world.start(userCorrelationId="anna")

    row = await world.row(check)
    hashed = hashlib.sha256(check.session_token.encode()).hexdigest()
    assert row["sessionTokenSha256"] == hashed
    assert check.session_id[0] == world.sealer.hash_person("user", "anna")[0]
    assert check.auth_token not in str(row)
    assert check.session_token not in str(row)
    assert len(await world.alarms(check)) == 1


async def test_a_real_person_passes(world: World) -> None:
    check = await world.start(
        userCorrelationId="anna", deviceCorrelationId="phone-1", reference="order-1"
    )
    told = await world.play(check, "realface")

    answer = await world.complete(check, {"digest": told["digest"], "resultId": told["resultId"]})

    body = {"sessionId": check.session_id, "status": "completed"}
    assert (answer.status, answer.body) == (200, body)
    row = await world.row(check)
    told_ids = {name: row[f"faceRequestId{name.title()}"] for name in ("create", "get", "delete")}
    assert (await world.result(check)).body == {
        **PASSED,
        "faceRequestIds": told_ids | {"image": None, "detect": None},
        "sessionId": check.session_id,
        "reported": {**NOTHING_REPORTED, "resultId": told["resultId"]},
        "deviceCorrelationId": "phone-1",
        "createdAt": row["createdAt"],
        "expiresAt": row["expiresAt"],
        "endedAt": row["endedAt"],
    }


async def test_a_result_is_made_use_of_once(world: World) -> None:
    check = await world.start()
    assert (await world.consume(check, "payments")).code == "SessionNotFinal"
    await world.play(check, "realface")
    await world.complete(check)

    first, again = await world.consume(check, "payments"), await world.consume(check, "payments")
    other = await world.consume(check, "somebody else")

    assert (first.status, first.body["consumer"], again.body) == (200, "payments", first.body)
    assert (other.status, other.code) == (409, "ResultConsumed")


async def test_a_forged_pass_is_not_served_RecordCorrupt(world: World) -> None:  # noqa: N802
    person = {"userCorrelationId": "forged"}
    check = await world.start(**person)
    await world.play(check, "spoofface")
    await world.complete(check)
    await world.forge(check, outcome="passed", reasons="")

    for told in (await world.result(check), await world.consume(check, "payments")):
        assert (told.status, told.code) == (500, "RecordCorrupt")
    listed = await world.call("POST", "/persons/sessions", headers=FUNCTION_KEY, json=person)
    assert (listed.status, listed.code) == (500, "RecordCorrupt")


async def test_a_finished_session_is_gone_at_face_and_keeps_one_alarm_for_its_purge(
    world: World,
) -> None:
    check = await world.start()
    face_id = (await world.row(check))["faceSessionId"]
    await world.play(check, "realface")

    await world.complete(check)

    row = await world.row(check)
    assert face_id not in await world.at_face()
    assert row["atFace"] is False
    assert len(await world.alarms(check)) == 1


@pytest.mark.parametrize(
    ("played", "outcome", "reasons"),
    [
        ({"outcome": "realface"}, "passed", []),
        ({"outcome": "spoofface"}, "rejected", ["Spoof"]),
        ({"outcome": "spoofface", "matchConfidence": 0.997}, "rejected", ["Spoof"]),
        ({"outcome": "realface", "isIdentical": False}, "rejected", ["DifferentPerson"]),
        ({"outcome": "uncertain"}, "inconclusive", ["Uncertain"]),
        ({"outcome": "realface", "verifyImageHash": "0" * 64}, "untrusted", ["ImageHashMismatch"]),
        ({"outcome": "canceled"}, "inconclusive", ["Canceled"]),
    ],
    ids=[
        "the right person passes",
        "a spoof is rejected",
        "a spoof that looks like the right person is rejected",
        "a different person is rejected",
        "an uncertain check is inconclusive",
        "another reference image is untrusted",
        "a check canceled on the device is inconclusive",
    ],
)
async def test_a_check_with_verify_ends_as_face_saw_it(
    world: World, played: dict[str, object], outcome: str, reasons: list[str]
) -> None:
    check = await world.start_with_verify()
    await world.play(check, **played)  # type: ignore[arg-type]

    answer = await world.complete(check)

    assert (answer.status, answer.body["status"]) == (200, "completed")
    assert await world.verdict(check) == ("completed", outcome, reasons)


async def test_a_reference_image_is_told_about_and_its_hash_is_compared(world: World) -> None:
    image = picture()
    check = await world.start_with_verify(image, userCorrelationId="bert")
    await world.play(check, "realface", matchConfidence=0.8)
    await world.complete(check)

    assert check.started["kind"] == "livenessWithVerify"
    assert check.started["referenceImage"]["qualityForRecognition"] == "high"
    assert check.started["referenceImage"]["faceRectangle"].keys() == {
        *("top", "left", "width", "height")
    }
    assert (await world.row(check))["verifyImageSha256"] == hashlib.sha256(image).hexdigest()
    assert (await world.result(check)).body["verify"] == {
        "isIdentical": True,
        "matchConfidence": 0.8,
        "verifyImageHash": "matched",
    }


async def test_a_mask_lets_the_person_try_again_and_the_second_try_counts(world: World) -> None:
    check = await world.start()
    failed = await world.play(check, "error:FaceWithMaskDetected")
    queued = await world.messages()

    with_report = await world.complete(check, {"error": failed})
    await world.play(check, "realface")
    done = await world.complete(check)

    assert (with_report.status, with_report.body["status"]) == (200, "started")
    assert await world.messages() == queued + 1
    assert done.body["status"] == "completed"
    result = (await world.result(check)).body
    assert (result["outcome"], result["attempt"]["attemptId"]) == ("passed", 2)
    assert result["reported"]["livenessError"] == "FaceWithMaskDetected"


async def test_three_failed_tries_are_inconclusive_with_their_error(world: World) -> None:
    check = await world.start()
    for _ in range(3):
        await world.play(check, "error:NoFaceDetected")

    await world.complete(check, {"error": {"livenessError": "NoFaceDetected"}})

    await eventually(lambda: _status(world, check), "completed")
    assert await world.verdict(check) == ("completed", "inconclusive", ["AttemptError"])
    assert (await world.result(check)).body["attempt"]["errorCode"] == "NoFaceDetected"


async def test_a_spoof_is_not_made_good_by_the_real_face_after_it(world: World) -> None:
    check = await world.start()
    await world.play(check, "spoofface", goesOn=True)
    report = await world.play(check, "realface")

    await world.complete(check, report)

    assert await world.verdict(check) == ("completed", "rejected", ["Spoof"])
    result = (await world.result(check)).body
    assert (result["livenessDecision"], result["attempt"]["attemptId"]) == ("realface", 2)


async def test_a_result_ends_the_check_though_a_further_attempt_has_failed(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface", goesOn=True)
    await world.play(check, "error:FaceWithMaskDetected")

    done = await world.complete(check)

    assert done.body["status"] == "completed"
    assert await world.verdict(check) == ("completed", "inconclusive", ["AttemptError"])


async def test_a_digest_that_face_never_gave_makes_the_result_untrusted(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")

    await world.complete(check, {"digest": "ab" * 32})

    assert await world.verdict(check) == ("completed", "untrusted", ["DigestMismatch"])


async def test_two_different_digests_make_the_result_untrusted(world: World) -> None:
    check = await world.start()
    await world.complete(check, {"digest": "ab" * 32})
    told = await world.play(check, "realface")

    await world.complete(check, {"digest": told["digest"]})

    await eventually(lambda: _status(world, check), "completed")
    assert await world.verdict(check) == ("completed", "untrusted", ["DigestMismatch"])


async def test_a_completion_before_the_result_is_processing_and_recorded_by_the_queue(
    world: World,
) -> None:
    check = await world.start()
    await world.play(check, "running")

    path, headers = f"/sessions/{check.session_id}/complete", {**check.token, "traceparent": TRACE}
    early = await world.call("POST", path, headers=headers)
    waiting = await world.status(check)
    told = await world.play(check, "realface")

    assert (early.status, early.body["status"]) == (202, "processing")
    assert early.headers["Retry-After"] == str(early.body["retryAfterSeconds"])
    assert (waiting.status, waiting.body["status"]) == (200, "processing")
    assert waiting.headers["Retry-After"] == str(waiting.body["retryAfterSeconds"])
    assert told["digest"]
    await eventually(lambda: _status(world, check), "completed")
    assert await world.verdict(check) == ("completed", "passed", [])
    lines = [line for line in AppLines(world.stack.log).messages() if check.session_id in line]
    (ended,) = (line for line in lines if line.startswith("session ended"))
    assert ended.endswith(f'traceId="{TRACE_ID}"')


async def test_a_check_that_nobody_reported_is_found_by_the_sweep(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")

    await world.wait(901)
    await world.sweep()

    assert await world.verdict(check) == ("completed", "passed", [])


async def test_a_session_that_nobody_finished_is_abandoned_once_it_is_stale(world: World) -> None:
    check = await world.start()
    face_id = (await world.row(check))["faceSessionId"]

    await world.wait(890)
    await world.sweep()
    early = (await world.status(check)).body["status"]
    await world.wait(20)
    await world.sweep()

    assert early == "started"
    assert await world.verdict(check) == ("abandoned", None, [])
    assert face_id not in await world.at_face()


async def test_a_failed_try_that_nobody_repeated_is_inconclusive_once_it_is_stale(
    world: World,
) -> None:
    check = await world.start()
    await world.play(check, "error:FaceWithMaskDetected")

    await world.wait(901)
    await world.sweep()

    assert await world.verdict(check) == ("completed", "inconclusive", ["AttemptError"])


async def test_a_record_is_purged_with_its_alarm_at_the_end_of_its_retention(world: World) -> None:
    check = await world.start()
    await world.cancel(check)

    await world.wait(90 * 86_400 - 60)
    await world.sweep()
    kept = await world.result(check)
    await world.wait(120)
    await world.sweep()

    assert kept.status == 200
    assert (await world.result(check)).status == 404
    assert not [row for row in await world.rows() if check.session_id in row["RowKey"]]


async def test_giving_up_revokes_the_token_and_is_said_again_without_a_change(world: World) -> None:
    check = await world.start()

    first = await world.cancel(check)
    again = await world.cancel(check)

    assert (first.status, first.text, again.status) == (204, "", 204)
    assert await world.verdict(check) == ("canceled", None, [])
    with pytest.raises(AssertionError, match="401"):
        await world.play(check, "realface")


async def test_giving_up_cannot_erase_a_finished_check(world: World) -> None:
    check = await world.start()
    await world.play(check, "spoofface")

    answer = await world.cancel(check)

    assert answer.status == 204
    assert await world.verdict(check) == ("completed", "rejected", ["Spoof"])


async def test_a_final_session_answers_the_same_whatever_is_reported_afterwards(
    world: World,
) -> None:
    check = await world.start()
    told = await world.play(check, "realface")
    await world.complete(check, {"digest": told["digest"]})
    before, calls = await world.row(check), await world.face_calls()

    answers = [
        await world.complete(check),
        await world.complete(check, {"digest": "cd" * 32}),
        await world.complete(check, {"error": {"livenessError": "TimedOut"}}),
        await world.cancel(check),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200, 204]
    assert {answer.body["status"] for answer in answers[:3]} == {"completed"}
    assert await world.row(check) == before
    assert await world.face_calls() == calls


@pytest.mark.parametrize(
    ("late", "compared"), [(None, "matched"), ("ab" * 32, "mismatched")], ids=["right", "wrong"]
)
async def test_the_first_digest_after_the_end_is_compared_and_the_outcome_stands(
    world: World, late: str | None, compared: str
) -> None:
    check = await world.start()
    told = await world.play(check, "realface")
    await world.complete(check)
    before = (await world.result(check)).body

    for digest in (late or told["digest"], "cd" * 32, told["digest"]):
        assert (await world.complete(check, {"digest": digest})).body["status"] == "completed"

    after = (await world.result(check)).body
    assert (before["lateDigest"], after) == ("none", {**before, "lateDigest": compared})
    assert told["digest"].lower() not in str(await world.row(check)).lower()


async def test_a_check_that_lacks_only_its_digest_waits_for_it_and_nobody_looks(
    world: World, configure: Configure
) -> None:
    await configure(DIGEST_POLICY="required")
    check = await world.start()
    told = await world.play(check, "realface")
    waiting = await world.complete(check)
    calls = await world.face_calls()
    await world.wait(60)
    await world.sweep()

    asked_again = await world.complete(check)
    assert (waiting.body["status"], asked_again.status) == ("processing", 202)
    assert await world.face_calls() == calls
    assert (await world.complete(check, {"digest": told["digest"]})).status == 200
    assert await world.verdict(check) == ("completed", "passed", [])


async def test_a_check_whose_digest_never_comes_ends_with_its_token_and_the_grace(
    world: World, configure: Configure
) -> None:
    await configure(DIGEST_POLICY="required")
    check, spoof = await world.start(), await world.start()
    await world.play(check, "realface")
    await world.play(spoof, "spoofface")
    await world.complete(check)
    await world.complete(spoof)

    assert await world.verdict(spoof) == ("completed", "rejected", ["Spoof"])
    await world.wait(STALE_SECONDS)
    await world.sweep()
    assert await world.verdict(check) == ("completed", "inconclusive", ["DigestMissing"])


async def test_a_result_is_not_told_before_the_end(world: World) -> None:
    check = await world.start()

    open_answer = await world.result(check)
    await world.complete(check)
    processing_answer = await world.result(check)

    assert (open_answer.status, open_answer.code) == (409, "SessionNotFinal")
    assert (processing_answer.status, processing_answer.code) == (409, "SessionNotFinal")


async def test_a_completion_of_a_session_that_face_forgot_is_abandoned(world: World) -> None:
    check = await world.start()
    await world.wait(48 * 3600 + 1)

    answer = await world.complete(check)

    assert (answer.status, answer.body["status"]) == (200, "abandoned")


async def test_a_failed_try_after_an_early_completion_lets_the_person_try_again(
    world: World,
) -> None:
    check = await world.start()
    await world.play(check, "running")
    await world.complete(check)

    answer = await world.complete(check, {"error": {"livenessError": "TimedOut"}})

    assert (answer.status, answer.body["status"]) == (200, "started")
    assert (await world.status(check)).body["status"] == "started"
    assert len(await world.alarms(check)) == 1


async def test_reports_cannot_keep_a_stale_session_open(world: World) -> None:
    check = await world.start()
    await world.play(check, "running")
    await world.wait(901)

    for report in ({"error": {"livenessError": "TimedOut"}}, None):
        await world.complete(check, report)
    await world.sweep()

    assert await world.verdict(check) == ("abandoned", None, [])


async def test_the_face_key_can_be_rotated_midway(world: World) -> None:
    check = await world.start()
    await world.play(check, "realface")
    await world.face("key", {"key": "a-key-of-tomorrow"})
    seen = len(await world.face_calls())

    answer = await world.complete(check)

    assert answer.body["status"] == "completed"
    assert (await world.face_calls())[seen:] == [("GET", 401), ("GET", 200), ("DELETE", 204)]


async def test_health_touches_nothing(world: World) -> None:
    calls = await world.face_calls()

    answer = await world.call("GET", "/health")

    assert (answer.status, answer.body) == (200, {"status": "ok"})
    assert await world.face_calls() == calls


async def _status(world: World, check: object) -> str:
    return str((await world.status(check)).body["status"])  # type: ignore[arg-type]
