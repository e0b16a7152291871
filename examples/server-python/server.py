"""Your server: it starts checks for signed-in users, and believes a result once."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import httpx
import jwt
from azure.identity import DefaultAzureCredential
from fastapi import Depends, FastAPI, Header, HTTPException, Response

SESSIONS = os.environ.get("LIVENESS_URL", "http://127.0.0.1:7071") + "/api/sessions"
KEY = os.environ.get("LIVENESS_KEY", "local-function-key")
SCOPE = os.environ.get("LIVENESS_SCOPE")  # with SERVER_AUTH=entra: <ENTRA_AUDIENCE>/.default
TENANT = os.environ.get("TENANT_ID", "11111111-1111-1111-1111-111111111111")
AUTHORITY = os.environ.get("AUTHORITY", "http://127.0.0.1:7074")  # login.microsoftonline.com
EVENTS_AUDIENCE = os.environ.get("EVENTS_AUDIENCE", "api://receiver")
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"  # its application, in every tenant
KIND, MAX_AGE = "liveness", timedelta(minutes=15)
app, http = FastAPI(), httpx.Client(timeout=30)
credential = DefaultAzureCredential() if SCOPE else None
signing_keys = jwt.PyJWKClient(f"{AUTHORITY}/{TENANT}/discovery/v2.0/keys")
owners, events = dict[str, str](), dict[str, Any]()  # what a database would keep


def call(method: str, path: str = "", **options: Any) -> httpx.Response:
    token = credential.get_token(SCOPE).token if credential else None
    headers = {"Authorization": f"Bearer {token}"} if token else {"x-functions-key": KEY}
    return http.request(method, SESSIONS + path, headers=headers, **options)


def sign_in(x_demo_user: Annotated[str, Header()] = "") -> str:
    if not x_demo_user:  # a stub for your own sign-in: never believe a header like this one
        raise HTTPException(401)
    return x_demo_user


@app.post("/checks")
def start(user: Annotated[str, Depends(sign_in)]) -> dict[str, str]:
    answer = call("POST", json={"userCorrelationId": user, "deviceCorrelationId": f"of-{user}"})
    if answer.status_code != 201:
        raise HTTPException(503, headers={"Retry-After": answer.headers.get("Retry-After", "60")})
    owners[answer.json()["sessionId"]] = user
    return {name: answer.json()[name] for name in ("sessionId", "authToken", "sessionToken")}


@app.get("/checks/{session_id}")
def read(session_id: str, user: Annotated[str, Depends(sign_in)]) -> dict[str, bool]:
    if owners.get(session_id) != user:
        raise HTTPException(404)
    # Only the first consumer has the result: another one, even of this user's, gets ResultConsumed.
    told = call("POST", f"/{session_id}/result/consume", json={"consumer": uuid4().hex}).json()
    if "error" in told:
        if told["error"]["code"] == "ResultConsumed":
            return {"passed": False}
        raise HTTPException(409)  # not over yet
    is_of_user = told["kind"] == KIND and told["userCorrelationId"] == user
    is_fresh = datetime.now(UTC) - datetime.fromisoformat(told["endedAt"]) < MAX_AGE
    return {"passed": told["outcome"] == "passed" and is_of_user and is_fresh}


@app.options("/events")
def consent(webhook_request_origin: Annotated[str, Header()]) -> Response:
    return Response(headers={"WebHook-Allowed-Origin": webhook_request_origin})


@app.post("/events")
def receive(event: dict[str, Any], authorization: Annotated[str, Header()] = "") -> None:
    token = authorization.removeprefix("Bearer ")
    try:
        key = signing_keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=EVENTS_AUDIENCE)
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    if claims.get("tid") != TENANT or EVENT_GRID not in {claims.get("appid"), claims.get("azp")}:
        raise HTTPException(403)
    if events.setdefault(event["id"], event) is event:  # a duplicate has the same id
        print(event["type"], event["subject"], flush=True)
