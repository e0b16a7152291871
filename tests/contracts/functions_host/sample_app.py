"""The app that the host's contract is tried with; it is copied to a directory of its own."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import azure.functions as func
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
journal: list[dict[str, object]] = []
_STORAGE = "AzureWebJobsStorage"


def note(event: str, **facts: object) -> None:
    journal.append({"event": event, **facts})


@app.route("context", methods=["GET"])
async def tell_context(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    del req
    told = {"id": context.invocation_id, "trace": context.trace_context.trace_parent}
    return func.HttpResponse(json.dumps(told), mimetype="application/json")


@app.route("a-journal", methods=["GET"])
async def tell(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return func.HttpResponse(json.dumps(journal), mimetype="application/json")


@app.route("broken", methods=["GET", "POST"])
def broken(req: func.HttpRequest) -> func.HttpResponse:
    del req
    raise RuntimeError("planted fault")


@app.route("wait", methods=["GET"])
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    del req
    print("waits at the gate", file=sys.stderr)  # noqa: T201 - the test waits for it
    try:
        while not Path(os.environ["GATE"]).exists():  # noqa: ASYNC110, ASYNC240 - others open it
            await asyncio.sleep(0.02)
        note("passed")
    finally:
        print("leaves the gate", file=sys.stderr)  # noqa: T201 - the test looks for it
    return func.HttpResponse(f"{journal[0]['event']}, and at last")


@app.route("enqueue", methods=["POST"])
async def enqueue(req: func.HttpRequest) -> func.HttpResponse:
    async with QueueClient.from_connection_string(
        os.environ[_STORAGE],
        os.environ["WORK_QUEUE"],
        message_encode_policy=TextBase64EncodePolicy(),
        retry_total=0,
    ) as queue:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@app.queue_trigger("message", queue_name="%WORK_QUEUE%", connection=_STORAGE)
async def work(message: func.QueueMessage) -> None:
    text = message.get_body().decode()
    is_dated = message.insertion_time is not None and message.expiration_time is not None
    note("work", text=text, tries=message.dequeue_count, dated=is_dated)
    if text.startswith("fail"):
        raise RuntimeError("planted fault")


@app.timer_trigger("timer", schedule="%EVERY_SECOND%")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", past_due=timer.past_due)
    await asyncio.sleep(0.1)
    note("tock")
    raise RuntimeError("planted fault of a timer")


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
async def yearly(timer: func.TimerRequest) -> None:
    note("yearly", past_due=timer.past_due)
