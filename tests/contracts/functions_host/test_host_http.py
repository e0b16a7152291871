import re

from tests.contracts.functions_host.recorded_answers import described, exchange
from tests.contracts.functions_host.sample_host import Sample

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_call_has_an_id_and_with_application_insights_its_callers_trace(
    sample: Sample,
) -> None:
    async with sample.http.get("/api/context", headers={"traceparent": _TRACE}) as answer:
        told = await answer.json()

    assert re.fullmatch("[0-9a-f-]{36}", told["id"])
    assert told["trace"].startswith(_TRACE[:36])
    assert told["trace"] != _TRACE


async def test_failure_is_logged_once_and_no_query_ever(sample: Sample) -> None:
    before = len(sample.host.lines)
    async with sample.http.get("/api/broken?code=planted-key"):
        pass

    log = await sample.log_since(before, "GET /api/broken 500 ")
    assert sum("broken" in line and "File" not in line for line in log) == 2
    assert log.count("RuntimeError: planted fault") == 1
    assert "planted-key" not in "\n".join(log)


async def test_call_that_ends_well_is_one_line_in_the_log(sample: Sample) -> None:
    before = len(sample.host.lines)
    async with sample.http.get("/api/context"):
        pass

    log = await sample.log_since(before, "/api/context 200 ")
    assert [line for line in log if "context" in line] == [
        line for line in log if "GET /api/context 200 " in line
    ]


async def test_what_is_no_http_is_neither_printed_nor_repeated(sample: Sample) -> None:
    port = int(sample.host.url.rpartition(":")[2])
    before = len(sample.host.lines)
    head = b"POST /api/a-journal HTTP/1.1\r\nHost: localhost\r\n"
    for request in (
        b"planted-secret\r\n\r\n",
        head + b"X-Session-Token: planted-secret\x01\r\n\r\n",
        head + b"Content-Length: 2\r\n\r\n{}planted-secret\r\n\r\n",
    ):
        received = await exchange(port, request)

        answer = described(received[received.rindex(b"HTTP/1.") :])
        assert (answer["status"], answer["headers"], answer["length"]) == (400, {}, "empty")

    log = await sample.log_since(before, "before any function: 400", times=3)
    # A timer of the sample app fails every second, whatever is asked meanwhile.
    ours = [line for line in log if " tick failed " not in line]
    assert not [line for line in ours if "planted-secret" in line or "Traceback" in line]


async def test_page_that_cors_does_not_name_is_named_in_the_log(sample: Sample) -> None:
    before = len(sample.host.lines)
    asked = {"Origin": "http://localhost:4000", "Access-Control-Request-Method": "POST"}
    async with sample.http.options("/api/broken", headers=asked) as answer:
        assert (answer.status, answer.headers.get("Access-Control-Allow-Methods")) == (204, None)

    await sample.log_since(before, "CORS does not name 'http://localhost:4000'")


async def test_form_of_a_page_on_another_site_reaches_no_function(sample: Sample) -> None:
    before = len(sample.host.lines)
    origin = {"Origin": "https://evil.example"}
    async with sample.http.post("/api/broken", data={"a": "b"}, headers=origin) as answer:
        assert (answer.status, await answer.read()) == (403, b"")

    log = await sample.log_since(before, "POST /api/broken 403")
    ours = [line for line in log if " tick failed " not in line]
    assert not [line for line in ours if "planted fault" in line]
