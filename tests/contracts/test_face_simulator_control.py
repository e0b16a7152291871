"""The control routes do what their table in local/README.md says."""

import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from local.azure.vault_secret import FIRST_KEY
from local.ports import HOST
from tests.support.face_calls import Answer, FaceCalls

BAD_BODIES = {
    "no outcome": ("attempts", {}),
    "unknown outcome": ("attempts", {"outcome": "RealFace"}),
    "error without a code": ("attempts", {"outcome": "error:"}),
    "flag as text": ("attempts", {"outcome": "realface", "isIdentical": "true"}),
    "confidence over one": ("attempts", {"outcome": "realface", "matchConfidence": 1.1}),
    "unknown override": ("attempts", {"outcome": "realface", "digest": "x"}),
    "no operation": ("faults", {"times": 1, "status": 500}),
    "unknown operation": ("faults", {"operation": "put", "times": 1, "status": 500}),
    "no times": ("faults", {"operation": "get", "status": 500}),
    "times of zero": ("faults", {"operation": "get", "times": 0, "status": 500}),
    "goes on as text": ("attempts", {"outcome": "realface", "goesOn": "true"}),
    "nothing goes wrong": ("faults", {"operation": "get", "times": 1}),
    "a code alone": ("faults", {"operation": "get", "times": 1, "code": "404"}),
    "a body alone": ("faults", {"operation": "get", "times": 1, "body": "<html>"}),
    "body of no text": ("faults", {"operation": "get", "times": 1, "status": 404, "body": {}}),
    "unknown answer": ("faults", {"operation": "get", "times": 1, "answer": "late"}),
    "lost as kind": ("faults", {"operation": "get", "times": 1, "kind": "lost"}),
    "lost with a status": (
        "faults",
        {"operation": "get", "times": 1, "answer": "lost", "status": 500},
    ),
    "unknown kind": ("faults", {"operation": "get", "times": 1, "kind": "melt"}),
    "success as fault": ("faults", {"operation": "get", "times": 1, "status": 200}),
    "unknown quality": ("reference", {"qualityForRecognition": "best"}),
    "empty key": ("key", {"key": ""}),
    "no roles": ("roles", {}),
    "one role for a list": ("roles", {"roles": "Liveness.Server"}),
    "a role that is no text": ("roles", {"roles": [1]}),
    "no receiver": ("webhook", {}),
    "receiver that is no address": ("webhook", {"url": "receiver.test"}),
    "receiver of another scheme": ("webhook", {"url": "ftp://receiver.test"}),
    "receiver with an odd audience": ("webhook", {"url": "http://127.0.0.1:1", "audience": ""}),
    "clock backwards": ("clock", {"advanceSeconds": -1}),
    "clock by text": ("clock", {"advanceSeconds": "60"}),
    "clock by NaN": ("clock", {"advanceSeconds": float("nan")}),
}


@pytest.mark.parametrize(("route", "body"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_bad_control_body_is_told_what_is_wrong(
    face: FaceCalls, route: str, body: dict[str, object]
) -> None:
    answer = await face.control(route, **body)

    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert answer.body["error"]["message"]


@pytest.mark.parametrize("outcome", ["realface", "spoofface", "uncertain"])
async def test_finished_attempt_hands_the_device_its_digest(face: FaceCalls, outcome: str) -> None:
    created = await face.create()

    report = await face.play(created, outcome)

    session = (await face.get(created)).body
    result = session["results"]["attempts"][0]["result"]
    assert report.body == {"resultId": report.body["resultId"], "digest": result["digest"]}
    assert (session["status"], result["livenessDecision"]) == ("Succeeded", outcome)


async def test_third_error_fails_the_session_and_uses_up_its_token(face: FaceCalls) -> None:
    created = await face.create()

    statuses = []
    for _ in range(3):
        report = await face.play(created, "error:TimedOut")
        assert report.body == {"livenessError": "TimedOut"}
        statuses.append((await face.get(created)).body["status"])

    assert statuses == ["Running", "Running", "Failed"]
    assert (await face.play(created, "realface")).status == 401


@pytest.mark.parametrize("outcome", ["realface", "error:TimedOut"])
async def test_an_attempt_that_was_running_and_then_ends_is_one_attempt(
    face: FaceCalls, outcome: str
) -> None:
    created = await face.create()
    for _ in range(2):
        await face.play(created, "running")
    await face.play(created, outcome)

    attempts = (await face.get(created)).body["results"]["attempts"]
    assert [attempt["attemptId"] for attempt in attempts] == [1]


async def test_a_session_that_goes_on_takes_a_further_attempt(face: FaceCalls) -> None:
    created = await face.create()

    first = await face.play(created, "spoofface", goesOn=True)
    between = (await face.get(created)).body
    second = await face.play(created, "realface")

    assert (between["status"], len(between["results"]["attempts"])) == ("Running", 1)
    ended = (await face.get(created)).body
    told = [
        (each["attemptId"], each["result"]["livenessDecision"], each["result"]["digest"])
        for each in ended["results"]["attempts"]
    ]
    assert ended["status"] == "Succeeded"
    assert told == [(2, "realface", second.body["digest"]), (1, "spoofface", first.body["digest"])]


async def test_running_and_canceled_leave_no_attempt(face: FaceCalls) -> None:
    created = await face.create()

    assert (await face.play(created, "running")).body == {}
    assert (await face.get(created)).body["status"] == "Running"
    canceled = await face.play(created, "canceled")

    assert canceled.body == {"livenessError": "UserCanceledSession"}
    session = (await face.get(created)).body
    assert (session["status"], session["results"]["attempts"]) == ("Canceled", [])


async def test_token_that_opens_nothing_any_more_is_refused(face: FaceCalls) -> None:
    used, revoked, expired = [await face.create() for _ in range(3)]
    forged = Answer(status=200, headers={}, body={"authToken": "eyJ.e30.x"})
    await face.play(used, "spoofface")
    await face.delete(revoked)
    await face.control("clock", advanceSeconds=600)

    answers = [await face.play(each, "realface") for each in (used, revoked, expired, forged)]

    assert [answer.status for answer in answers] == [401] * 4


async def test_overrides_replace_what_face_says_and_null_leaves_it_out(face: FaceCalls) -> None:
    told, silent = [await face.create_with_verify(returnVerifyImageHash="true") for _ in range(2)]
    overrides = {"isIdentical": True, "matchConfidence": 0.2, "verifyImageHash": "AB" * 32}

    await face.play(told, "realface", modelVersion="2025-05-20", **overrides)
    await face.play(silent, "realface", **dict.fromkeys(overrides))

    session = (await face.get(told)).body
    result = session["results"]["attempts"][0]["result"]
    quiet = (await face.get(silent)).body["results"]["attempts"][0]["result"]
    assert session["modelVersion"] == "2025-05-20"
    assert result["verifyResult"] == {"matchConfidence": 0.2, "isIdentical": True}
    assert result["verifyImageHash"] == "AB" * 32
    assert not {"verifyResult", "verifyImageHash"} & quiet.keys()


async def test_failing_call_changes_nothing_and_the_next_one_succeeds(face: FaceCalls) -> None:
    created = await face.create()
    fault = {"times": 1, "status": 503, "code": "Busy", "retryAfterSeconds": 7}
    for operation in ("create", "delete"):
        await face.control("faults", operation=operation, **fault)

    failures = [await face.create(), await face.delete(created)]

    assert [(each.status, each.code, each.headers["Retry-After"]) for each in failures] == [
        (503, "Busy", "7")
    ] * 2
    sessions = (await face.call("GET", "/simulator/sessions")).body
    assert [each["sessionId"] for each in sessions] == [created.body["sessionId"]]
    assert (await face.delete(created)).status == 204


async def test_call_takes_the_first_fault_that_fits_it(face: FaceCalls) -> None:
    created = await face.create()
    await face.control("faults", operation="delete", times=1, status=500)
    await face.control("faults", operation="any", times=2, status=502)
    await face.control("faults", operation="get", times=1, status=504)

    statuses = [(await face.get(created)).status for _ in range(4)]

    assert statuses == [502, 502, 504, 200]
    assert (await face.delete(created)).status == 500


async def test_ended_faults_befall_nobody(face: FaceCalls) -> None:
    await face.control("faults", operation="any", times=99, status=500)

    ended = await face.call("DELETE", "/simulator/faults")

    assert (ended.status, (await face.create()).status) == (204, 200)


async def test_delay_alone_is_carried_out_late_and_with_status_fails_late(face: FaceCalls) -> None:
    await face.control("faults", operation="create", times=1, delayMs=60)
    await face.control("faults", operation="create", times=1, delayMs=60, status=500)

    began = time.monotonic()
    late, failed = await face.create(), await face.create()

    assert (late.status, failed.status) == (200, 500)
    assert time.monotonic() - began >= 0.12
    assert len((await face.call("GET", "/simulator/sessions")).body) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", aiohttp.ClientConnectionError),
        ("truncate", aiohttp.ClientPayloadError),
        ("garbage", ValueError),
    ],
)
async def test_broken_answer_is_broken_and_nothing_was_created(
    face: FaceCalls, kind: str, error: type[Exception]
) -> None:
    await face.control("faults", operation="create", times=1, kind=kind)

    with pytest.raises(error):
        await face.create()

    assert (await face.call("GET", "/simulator/sessions")).body == []


@pytest.mark.parametrize(
    ("gateway", "kind", "text"),
    [
        ({"body": "<html>Not here</html>"}, "text/html", "<html>Not here</html>"),
        ({"body": '{"statusCode": 404}'}, "application/json", '{"statusCode": 404}'),
        ({"body": " {}"}, "text/html", " {}"),
        (
            {"code": "404"},
            "application/json",
            '{"error": {"code": "404", "message": "A scripted fault."}}',
        ),
    ],
    ids=["html", "foreign-json", "nearly-json", "a-code"],
)
async def test_a_gateway_speaks_in_its_own_words(
    face: FaceCalls, gateway: dict[str, object], kind: str, text: str
) -> None:
    created = await face.create()
    await face.control("faults", operation="any", times=1, status=404, **gateway)

    url = f"http://{HOST}:{face.ports.face}{face.path(created)}"
    async with face.http.get(url, headers={"Ocp-Apim-Subscription-Key": FIRST_KEY}) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (404, kind, text)


async def test_a_call_whose_answer_is_lost_was_carried_out(face: FaceCalls) -> None:
    await face.control("faults", operation="create", times=1, answer="lost")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await face.create()

    (session,) = (await face.call("GET", "/simulator/sessions")).body
    (call,) = (await face.call("GET", "/simulator/requests")).body
    assert (session["status"], call["status"]) == ("NotStarted", 0)


async def test_requests_list_every_face_call_in_order(face: FaceCalls) -> None:
    created = await face.create()
    # Twice, for when a connection breaks, aiohttp quietly tries a GET or DELETE once more.
    await face.control("faults", operation="delete", times=2, kind="reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        await face.delete(created)
    await face.control("clock", advanceSeconds=3600)
    await face.call("GET", "/face/v1.2/nonsense")

    calls = (await face.call("GET", "/simulator/requests")).body

    path = face.path(created)
    assert [(call["method"], call["path"], call["status"]) for call in calls] == [
        ("POST", "/face/v1.2/detectLiveness-sessions", 200),
        ("DELETE", path, 0),
        ("DELETE", path, 0),
        ("GET", "/face/v1.2/nonsense", 404),
    ]
    skipped = datetime.fromisoformat(calls[-1]["time"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < skipped < timedelta(minutes=61)


async def test_sessions_and_references_are_as_told(face: FaceCalls) -> None:
    await face.control("reference", qualityForRecognition="low")
    plain, *others = [await face.create(), *[await face.create_with_verify() for _ in range(2)]]

    sessions = (await face.call("GET", "/simulator/sessions")).body

    kinds = ["liveness", "livenessWithVerify", "livenessWithVerify"]
    assert sessions == [
        {"sessionId": each.body["sessionId"], "kind": kind, "status": "NotStarted"}
        for each, kind in zip([plain, *others], kinds, strict=True)
    ]
    references = [each.body["results"]["verifyReferences"][0] for each in others]
    assert [each["qualityForRecognition"] for each in references] == ["low", "low"]


async def test_a_page_may_call_the_control_routes_but_not_face(face: FaceCalls) -> None:
    origin = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}

    control = await face.call("OPTIONS", "/simulator/attempts", headers=origin)
    upstream = await face.call("OPTIONS", "/face/v1.2/detectLiveness-sessions", headers=origin)

    assert (control.status, control.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "authorization" in control.headers["Access-Control-Allow-Headers"]
    assert (upstream.status, "Access-Control-Allow-Origin" in upstream.headers) == (404, False)
