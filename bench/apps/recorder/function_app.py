"""The fair peer: the tutorial's app, made to record and judge with the same SDK as ours.

One row a session and a verdict: no person's count, no alarm, no sweep, no replay.
"""

import hashlib
import hmac
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import azure.functions as func
from azure.core import MatchConditions
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from bench.bare_face import BareFace

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

_STORAGE = os.environ.get("AzureWebJobsStorage", "")  # noqa: SIM112 - so the platform has it


@cache
def face() -> BareFace:
    """Open Face on first use."""
    return BareFace()


@cache
def table() -> TableClient:
    """Open the table on first use."""
    return TableClient.from_connection_string(_STORAGE, "BenchRecorder")


@app.route("sessions", methods=["POST"])
async def start_session(req: func.HttpRequest) -> func.HttpResponse:
    """Create a session and record it."""
    now, person = datetime.now(UTC), str(req.get_json()["deviceCorrelationId"])
    session = await face().call(
        "POST",
        json={"livenessOperationMode": "PassiveActive", "deviceCorrelationId": person},
    )
    name, token = session["sessionId"], secrets.token_urlsafe(32)
    await table().create_entity(
        {
            "PartitionKey": name,
            "RowKey": "session",
            "person": person,
            "status": "started",
            "token": hashlib.sha256(token.encode()).hexdigest(),
            "created": now,
            "until": now + timedelta(minutes=10),
        }
    )
    answer = {"sessionId": name, "authToken": session["authToken"], "sessionToken": token}
    return _respond(answer, 201)


@app.route("sessions/{session_id}", methods=["GET"])
async def get_session(req: func.HttpRequest) -> func.HttpResponse:
    """Tell where a session is, to whoever has its token."""
    row = await table().get_entity(req.route_params["session_id"], "session")
    if not _may_see(req, row):
        return _respond({"error": "not found"}, 404)
    return _respond({"status": row["status"]})


@app.route("sessions/{session_id}/complete", methods=["POST"])
async def complete_session(req: func.HttpRequest) -> func.HttpResponse:
    """Ask Face, judge, record, delete at Face, record that."""
    name = req.route_params["session_id"]
    row = await table().get_entity(name, "session")
    if not _may_see(req, row):
        return _respond({"error": "not found"}, 404)
    found = await face().call("GET", f"/{name}")
    attempts = found["results"]["attempts"]
    latest = max(attempts, key=lambda one: one["attemptId"])
    real = all((one.get("result") or {}).get("livenessDecision") == "realface" for one in attempts)
    row |= {"status": "completed", "outcome": "passed" if real else "rejected"}
    row |= {"digest": latest["result"]["digest"], "ended": datetime.now(UTC)}
    done = await table().update_entity(
        row,
        UpdateMode.REPLACE,
        etag=row.metadata["etag"],
        match_condition=MatchConditions.IfNotModified,
    )
    await face().call("DELETE", f"/{name}")
    row["deleted"] = True
    await table().update_entity(
        row,
        UpdateMode.REPLACE,
        etag=done["etag"],
        match_condition=MatchConditions.IfNotModified,
    )
    return _respond({"status": row["status"], "outcome": row["outcome"]})


def _may_see(req: func.HttpRequest, row: dict[str, Any]) -> bool:
    shown = hashlib.sha256(req.headers.get("x-session-token", "").encode()).hexdigest()
    return hmac.compare_digest(shown, str(row["token"]))


def _respond(body: dict[str, Any], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
