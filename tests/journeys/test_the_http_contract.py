"""What every route owes its callers: who may call it, and what every answer carries."""

import re

import pytest

from tests.support.constants import FUNCTION_KEY
from tests.support.world import World

ORIGIN = {"Origin": "https://app.example"}


async def test_the_key_may_travel_in_the_query_and_never_comes_back_in_the_location(
    world: World,
) -> None:
    answer = await world.call(
        "POST", "/sessions?code=local-function-key", json={"deviceCorrelationId": "a"}
    )

    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/sessions/{answer.body['sessionId']}"


@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("POST", "/complete"), ("DELETE", "")],
    ids=["status", "complete", "cancel"],
)
async def test_a_session_opens_to_its_own_token_only_and_every_other_gets_the_same_404(
    world: World, method: str, action: str
) -> None:
    mine, foreign = await world.start(), await world.start()
    path = f"/sessions/{mine.session_id}{action}"

    tokens = [None, "", "wrong", foreign.session_token, mine.session_token[:-1]]
    answers = [
        await world.call(method, path, headers={"X-Session-Token": token} if token else {})
        for token in tokens
    ]
    answers.append(await world.call(method, f"/sessions/{'f' * 33}{action}", headers=mine.token))

    assert {answer.status for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].code == "SessionNotFound"
    assert mine.session_id not in answers[0].text
    assert (await world.status(mine)).body["status"] == "started"


async def test_every_answer_of_ours_carries_the_promised_headers(world: World) -> None:
    check = await world.start()

    answers = [
        await world.create(json={"deviceCorrelationId": "a"}),
        await world.status(check),
        await world.complete(check),
        await world.cancel(check),
        await world.result(check),
        await world.call("GET", "/health"),
        await world.create(data=b"nonsense"),
        await world.call("GET", "/sessions/unknown"),
    ]

    ids = {answer.headers["x-ms-request-id"] for answer in answers}
    assert len(ids) == len(answers)
    assert all(re.fullmatch(r"[0-9a-f-]{36}", request_id) for request_id in ids)
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
    assert {answer.headers["Access-Control-Expose-Headers"] for answer in answers} == {
        "Location, Retry-After, x-ms-request-id, x-ms-error-code"
    }


async def test_an_error_has_azures_shape_and_its_code_in_a_header(world: World) -> None:
    answer = await world.create(json={"deviceCorrelationId": 1})

    assert answer.body.keys() == {"error"}
    assert answer.body["error"].keys() == {"code", "message", "target"}
    assert answer.headers["x-ms-error-code"] == answer.code == "InvalidRequest"
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_a_frontend_of_a_configured_origin_may_use_its_token_and_read_the_headers(
    world: World,
) -> None:
    check = await world.start()
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-session-token,content-type",
    }

    preflight = await world.call("OPTIONS", f"/sessions/{check.session_id}/complete", headers=asked)
    answer = await world.call(
        "GET", f"/sessions/{check.session_id}", headers={**check.token, **ORIGIN}
    )

    assert preflight.status in {200, 204}
    assert "x-session-token" in preflight.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]


async def test_a_frontend_of_another_origin_is_not_let_in(world: World) -> None:
    check = await world.start()
    headers = {**check.token, "Origin": "https://evil.example"}

    answer = await world.call("GET", f"/sessions/{check.session_id}", headers=headers)

    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sessions"),
        ("PUT", "/sessions"),
        ("POST", "/sessions/x"),
        ("GET", "/sessions/x/complete"),
        ("DELETE", "/sessions/x/result"),
        ("GET", "/nothing"),
    ],
)
async def test_a_wrong_method_or_path_is_the_hosts_empty_404(
    world: World, method: str, path: str
) -> None:
    answer = await world.call(method, path, headers=FUNCTION_KEY)

    assert (answer.status, answer.text) == (404, "")


async def test_the_status_never_tells_an_outcome(world: World) -> None:
    check = await world.start()
    told = await world.play(check, "spoofface")
    completed = await world.complete(check, {"digest": told["digest"]})

    status = await world.status(check)

    assert status.body.keys() == {"sessionId", "kind", "status", "expiresAt", "expiresInSeconds"}
    assert completed.body.keys() == {"sessionId", "status"}


async def test_an_ended_token_has_no_seconds_left(world: World) -> None:
    check = await world.start(authTokenTimeToLiveInSeconds=60)

    await world.wait(61)

    assert check.started["expiresInSeconds"] in range(1, 61)
    assert (await world.status(check)).body["expiresInSeconds"] == 0


async def test_a_device_that_names_itself_on_the_client_has_no_id_here(world: World) -> None:
    answer = await world.create(json={"deviceCorrelationIdSetInClient": True})

    assert answer.status == 201


async def test_a_token_that_is_no_text_is_refused_before_the_app_is_asked(world: World) -> None:
    check = await world.start()
    reader, writer = await world.connect()
    writer.write(
        f"GET /api/sessions/{check.session_id} HTTP/1.1\r\nHost: x\r\n".encode()
        + b"X-Session-Token: \xff\r\nConnection: close\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "status"), [("/sessions", 401), ("/nothing", 404)], ids=["no key", "no such route"]
)
async def test_the_hosts_own_answers_are_safe_in_a_browser_too(
    world: World, path: str, status: int
) -> None:
    answer = await world.call("POST", path)

    assert (answer.status, answer.text) == (status, "")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
