"""The floor: the budget's outside calls made bare, and as many triggers as the app has."""

import json
import os
import re
import secrets
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import azure.functions as func
from azure.data.tables import TransactionOperation
from azure.data.tables.aio import TableClient

from bench.bare_face import BareFace

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

_APP = Path(__file__).parents[3] / "function_app.py"
_STORAGE = os.environ.get("AzureWebJobsStorage", "")  # noqa: SIM112 - so the platform has it
_OURS = 3
_SHARD = "0"
# As many columns of each type, and as many bytes, as a session's row has in the app: while it is
# open, and at its end.
OPEN, ENDED = (
    {
        **{f"text{number:02}": 40 * "a" for number in range(texts)},
        **{f"number{number:02}": number for number in range(numbers)},
        **{f"flag{number:02}": False for number in range(6)},
    }
    for texts, numbers in ((13, 5), (24, 7))
)
# The others have keys only, and long ones.
_LONG = "p:" + 64 * "0"


class Outside:
    """Clients as they come."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self.table = TableClient.from_connection_string(_STORAGE, "BenchFloor")
        self.face = BareFace(["APP_SECRET_NAME", "FACE_KEY_SECRET_NAME"])

    async def commit(self, name: str, session: Mapping[str, object], *, beside: int) -> None:
        """Write a session's row and some small ones in one transaction."""
        rows = [{"RowKey": f"s:{name}", **session}]
        rows += [{"RowKey": f"{_LONG}:{name}:{number}"} for number in range(beside)]
        await self.table.submit_transaction(
            [(TransactionOperation.UPSERT, {"PartitionKey": _SHARD, **row}) for row in rows]
        )


@cache
def outside() -> Outside:
    """Open everything on first use."""
    return Outside()


@app.route("sessions", methods=["POST"])
async def start_session(req: func.HttpRequest) -> func.HttpResponse:
    """Create: one range query, one Face create, one transaction of 4 rows."""
    there = outside()
    found = there.table.query_entities(
        "PartitionKey eq @shard and RowKey ge 'p:1' and RowKey lt 'p:2'",
        parameters={"shard": _SHARD},
    )
    async for _ in found:
        pass
    session = await there.face.call("POST", **_read_create(req))
    await there.commit(session["sessionId"], OPEN, beside=3)
    answer = {"sessionId": session["sessionId"], "authToken": session["authToken"]}
    return _respond(answer | {"sessionToken": secrets.token_urlsafe(32)}, 201)


@app.route("sessions/{session_id}", methods=["GET"])
async def get_session(req: func.HttpRequest) -> func.HttpResponse:
    """Status: one read."""
    row = await outside().table.get_entity(_SHARD, f"s:{req.route_params['session_id']}")
    return _respond({"sessionId": req.route_params["session_id"], "status": row["text01"]})


@app.route("sessions/{session_id}/complete", methods=["POST"])
async def complete_session(req: func.HttpRequest) -> func.HttpResponse:
    """Complete: one read, one Face get, 5 rows, one Face delete, 3 rows."""
    there, name = outside(), req.route_params["session_id"]
    await there.table.get_entity(_SHARD, f"s:{name}")
    found = await there.face.call("GET", f"/{name}")
    await there.commit(name, ENDED, beside=4)
    await there.face.call("DELETE", f"/{name}")
    await there.commit(name, ENDED, beside=2)
    return _respond({"sessionId": name, "status": found["status"]})


def _read_create(req: func.HttpRequest) -> dict[str, Any]:
    told = {"livenessOperationMode": "PassiveActive", "deviceCorrelationId": str(uuid.uuid4())}
    if not req.headers["content-type"].startswith("multipart"):
        req.get_json()
        return {"json": told}
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in told.items():
        form.add_field(name, value)
    image = req.files["verifyImage"].read()
    form.add_field("verifyImage", image, filename="a.jpg", content_type="image/jpeg")
    return {"kind": "detectLivenessWithVerify", "data": form}


def _respond(body: dict[str, str], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")


def _add_empty(number: int) -> None:
    @app.function_name(f"empty_{number}")
    @app.route(f"empty/{number}", methods=["GET"])
    async def empty(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse()


for _number in range(len(re.findall(r"^async def ", _APP.read_text(), re.MULTILINE)) - _OURS):
    _add_empty(_number)
