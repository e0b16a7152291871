import asyncio
import re

import pytest
from yarl import URL

from tests.contracts.functions_host.sample_host import Sample

_KEY = {"x-functions-key": "local-function-key"}


async def test_request_reaches_the_function_as_in_azure(sample: Sample) -> None:
    path = URL("/API/Echo/M%C3%BCr%2FIx/?a=1&a=2&empty=&b=%20", encoded=True)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = [*_KEY.items(), ("X-Many", "1"), ("X-Many", "2"), ("traceparent", trace)]

    async with sample.http.post(path, data=b"body", headers=headers) as answer:
        seen = await answer.json()

    assert seen["route"] == {"name": "Mür%2FIx"}
    assert seen["query"] == {"a": "1,2", "b": " "}
    assert seen["headers"]["x-many"] == "1,2"
    assert (seen["method"], seen["body"]) == ("POST", "body")
    assert seen["url"] == f"{sample.host.url}{path.raw_path_qs}"
    assert re.fullmatch("[0-9a-f-]{36}", seen["invocation"])
    assert seen["trace"].startswith(trace[:36])
    assert seen["trace"] != trace


async def test_chunked_body_arrives_empty(sample: Sample) -> None:
    async def chunks() -> object:
        yield b"lost"

    async with sample.http.post("/api/echo/a/b", data=chunks(), headers=_KEY) as answer:
        seen = await answer.json()

    assert seen["body"] == ""
    assert seen["headers"]["transfer-encoding"] == "chunked"
    assert seen["route"] == {"name": "a", "tail": "b"}


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        (_KEY, "", 200),
        ({}, "?code=local-function-key", 200),
        ({}, "?code=echo-key", 200),
        ({"x-functions-key": "wrong"}, "?code=local-function-key", 401),
        ({"x-functions-key": "local-master-key"}, "", 200),
    ],
    ids=["none", "host key", "in the query", "its own", "wrong header wins", "master"],
)
async def test_function_wants_a_key(
    sample: Sample, headers: dict[str, str], query: str, status: int
) -> None:
    async with sample.http.get(f"/api/echo/a{query}", headers=headers) as answer:
        assert answer.status == status
        assert (await answer.read() == b"") is (status == 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nowhere", 404),
        ("DELETE", "/api/own-headers", 404),
        ("OPTIONS", "/api/own-headers", 404),
        ("GET", "/api/broken/raise", 500),
        ("GET", "/api/broken/none", 500),
        ("GET", "/api/broken/dict", 500),
        ("GET", "/api/slow/9", 500),
    ],
    ids=["unknown", "method", "options", "exception", "None", "dict", "timeout"],
)
async def test_host_answers_alone_with_nothing_but_headers(
    sample: Sample, method: str, path: str, status: int
) -> None:
    async with sample.http.request(method, path) as answer:
        assert (answer.status, await answer.read()) == (status, b"")
        assert "Content-Type" not in answer.headers
        assert answer.headers["X-Extra"] == "from host.json"


async def test_body_beyond_the_limit_is_refused(sample: Sample) -> None:
    async with sample.http.post("/api/echo/a", data=b"x" * 1001, headers=_KEY) as answer:
        assert (answer.status, await answer.read()) == (413, b"")


async def test_function_keeps_its_own_headers_and_every_cookie(sample: Sample) -> None:
    async with sample.http.get("/api/own-headers", headers={"x-functions-key": "wrong"}) as answer:
        assert (answer.status, await answer.text()) == (203, "hi")
        assert answer.headers["X-Frame-Options"] == "mine"
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers.getall("Set-Cookie") == [
            "a=1; path=/; httponly; samesite=lax",
            "b=2; max-age=60; secure",
        ]


@pytest.mark.parametrize("origin", ["https://good.example", "https://bad.example"])
async def test_only_allowed_origins_may_call(sample: Sample, origin: str) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}

    async with sample.http.options("/api/echo/a", headers={"Origin": origin, **asks}) as preflight:
        allowed = preflight.headers.get("Access-Control-Allow-Origin")
    async with sample.http.post("/api/echo/a", headers={"Origin": origin}) as answer:
        answered = answer.headers.get("Access-Control-Allow-Origin")

    assert preflight.status == 204
    assert allowed == answered == (origin if "good" in origin else None)


async def test_failure_is_logged_once_and_no_query_ever(sample: Sample) -> None:
    async with sample.http.get("/api/broken/raise?code=planted-key"):
        await asyncio.sleep(0.1)

    log = "\n".join(sample.host.lines)
    assert "GET /api/broken/raise 500 " in log
    assert "planted-key" not in log
    faults = [line for line in sample.host.lines if line == "RuntimeError: planted fault"]
    requests = [line for line in sample.host.lines if "/api/broken/raise 500" in line]
    assert len(faults) == len(requests)
