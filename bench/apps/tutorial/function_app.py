"""A peer: the app server of Microsoft's tutorial as a Functions app. It records and judges nothing.

https://learn.microsoft.com/azure/ai-services/computer-vision/tutorials/liveness
"""

import json
import uuid
from functools import cache
from typing import Any

import azure.functions as func

from bench.bare_face import BareFace

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@cache
def face() -> BareFace:
    """Open Face on first use."""
    return BareFace()


@app.route("sessions", methods=["POST"])
async def start_session(req: func.HttpRequest) -> func.HttpResponse:
    """Create a session and give its token to the frontend."""
    told = req.get_json()
    device = told.get("deviceCorrelationId") or str(uuid.uuid4())
    session = await face().call(
        "POST", json={"livenessOperationMode": "PassiveActive", "deviceCorrelationId": device}
    )
    return _respond(session, 201)


@app.route("sessions/{session_id}", methods=["GET"])
async def get_session(req: func.HttpRequest) -> func.HttpResponse:
    """Ask Face where a session is."""
    found = await face().call("GET", f"/{req.route_params['session_id']}")
    return _respond({"status": found["status"]})


@app.route("sessions/{session_id}/complete", methods=["POST"])
async def complete_session(req: func.HttpRequest) -> func.HttpResponse:
    """Query the result, then delete the session."""
    name = req.route_params["session_id"]
    found = await face().call("GET", f"/{name}")
    latest = max(found["results"]["attempts"], key=lambda one: one["attemptId"])
    await face().call("DELETE", f"/{name}")
    return _respond({"livenessDecision": latest["result"]["livenessDecision"]})


def _respond(body: dict[str, Any], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
