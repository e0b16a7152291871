import asyncio
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
    async with sample.http.get("/api/broken?code=planted-key"):
        await asyncio.sleep(0.1)

    log = "\n".join(sample.host.lines)
    assert "GET /api/broken 500 " in log
    assert "planted-key" not in log
    faults = [line for line in sample.host.lines if line == "RuntimeError: planted fault"]
    requests = [line for line in sample.host.lines if "/api/broken 500" in line]
    assert len(faults) == len(requests)


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

    await asyncio.sleep(0.1)
    log = sample.host.lines[before:]
    assert sum("before any function: 400" in line for line in log) == 3
    assert not [line for line in log if "planted-secret" in line or "Traceback" in line]
