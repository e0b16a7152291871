import base64
import contextlib
import json
import re

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient

from tests.contracts.functions_host.sample_host import Event, Sample, eventually

_MASTER = {"x-functions-key": "local-master-key"}


async def test_message_runs_its_function(sample: Sample) -> None:
    async with sample.http.post("/api/enqueue", data="grüße") as answer:
        assert answer.status == 202

    async def worked() -> list[Event]:
        return await sample.journal(event="work", text="grüße")

    assert await eventually(worked) == [
        {"event": "work", "text": "grüße", "tries": 1, "dated": True}
    ]


async def test_message_that_keeps_failing_is_set_aside(sample: Sample) -> None:
    async with sample.http.post("/api/enqueue", data="fail for ever"):
        pass

    poison = await _poison(sample)

    assert base64.b64decode(poison) == b"fail for ever"
    tries = await sample.journal(event="work", text="fail for ever")
    assert [each["tries"] for each in tries] == [1, 2]


async def test_message_that_is_not_base64_is_set_aside_unseen(sample: Sample) -> None:
    await _finish(sample, "the queue exists now")
    async with sample.queue("work") as work:
        await work.send_message("{not base64}")

    assert await _poison(sample) == "{not base64}"


async def test_message_that_is_no_text_fails_unseen_as_often_as_any_other(sample: Sample) -> None:
    await _finish(sample, "the queue is there")
    before = len(sample.host.lines)
    async with sample.queue("work") as work:
        await work.send_message(base64.b64encode(b"\xff").decode())

    assert base64.b64decode(await _poison(sample)) == b"\xff"
    log = await sample.log_since(before, "to work-poison")
    assert sum("is not UTF-8" in line for line in log) == 2


async def test_failure_that_is_tried_again_is_one_line_in_the_log(sample: Sample) -> None:
    await _finish(sample, "the queue is here")
    before = len(sample.host.lines)
    async with sample.http.post("/api/enqueue", data="fail in the log"):
        pass

    await _poison(sample)

    log = await sample.log_since(before, "to work-poison")
    (again,) = [line for line in log if "to be tried again" in line]
    assert re.search(r"RuntimeError: planted fault \(function_app.py, line \d+\)$", again)
    assert log.count("RuntimeError: planted fault") == 1


async def test_timer_keeps_its_schedule_through_failures(sample: Sample) -> None:
    async def thrice() -> bool:
        return len(await sample.journal(event="tick")) >= 3

    await eventually(thrice)

    beats = [each["event"] for each in await sample.journal() if each["event"] in {"tick", "tock"}]
    assert beats[:4] == ["tick", "tock", "tick", "tock"]


async def test_missed_run_is_made_up_for_once(sample: Sample) -> None:
    async def ran() -> list[Event]:
        return await sample.journal(event="yearly", past_due=True)

    assert len(await eventually(ran)) == 1

    path = "timers/sample/Host.Functions.yearly/status"
    async with BlobClient.from_connection_string(
        sample.storage, "azure-webjobs-hosts", path
    ) as blob:
        status = json.loads(await (await blob.download_blob()).readall())
    assert status["Next"].endswith("-01-01T00:00:00+00:00")
    assert status["Last"] == status["LastUpdated"] > "2026"


async def test_administrator_runs_a_timer_at_any_time(sample: Sample) -> None:
    async with sample.http.post("/admin/functions/Yearly", json={}, headers=_MASTER) as answer:
        assert answer.status == 202

    async def ran() -> list[Event]:
        return await sample.journal(event="yearly", past_due=False)

    await eventually(ran)


async def test_administrator_runs_a_queue_function_without_a_message(sample: Sample) -> None:
    body = {"input": "by hand"}
    async with sample.http.post("/admin/functions/work", json=body, headers=_MASTER) as answer:
        assert answer.status == 202

    async def ran() -> list[Event]:
        return await sample.journal(event="work", text="by hand", tries=0)

    await eventually(ran)


async def _finish(sample: Sample, text: str) -> None:
    async with sample.http.post("/api/enqueue", data=text):
        pass

    async def worked() -> list[Event]:
        return await sample.journal(event="work", text=text)

    await eventually(worked)


async def _poison(sample: Sample) -> str:
    async with sample.queue("work-poison") as queue:

        async def received() -> str:
            with contextlib.suppress(ResourceNotFoundError):
                async for message in queue.receive_messages():
                    await queue.delete_message(message)
                    return str(message.content)
            return ""

        return await eventually(received)
