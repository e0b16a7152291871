"""The app whose answers were recorded: tests/samples/host/README.md lists what each function does.

It is copied to a directory of its own, beside a host.json.
"""

import base64
import contextlib
import json
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def tell(**facts: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(facts), mimetype="application/json")


@app.route("echo/{value?}")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return tell(
        method=req.method,
        url=req.url,
        headers=dict(req.headers),
        params=dict(req.params),
        route_params=dict(req.route_params),
        body=base64.b64encode(req.get_body()).decode(),
    )


@app.route("trace")
async def trace(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    del req
    trace_context = context.trace_context
    return tell(trace_parent=trace_context.trace_parent, trace_state=trace_context.trace_state)


@app.route(methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="health")


@app.route("health", methods=["PUT", "DELETE"])
async def write_health(req: func.HttpRequest) -> func.HttpResponse:
    return tell(function="write_health", method=req.method)


@app.route("Mixed/CASE", methods=["GET"])
async def mixed_case(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="mixed_case")


@app.route("listed", methods=["GET", "HEAD", "OPTIONS"])
async def listed(req: func.HttpRequest) -> func.HttpResponse:
    return tell(function="listed", method=req.method)


@app.route("pair/{first}/{second}", methods=["GET"])
async def pair(req: func.HttpRequest) -> func.HttpResponse:
    return tell(function="pair", route_params=dict(req.route_params))


@app.route("pair/early/{second}", methods=["GET"])
async def early_pair(req: func.HttpRequest) -> func.HttpResponse:
    return tell(function="early_pair", route_params=dict(req.route_params))


@app.route("pair/late/{second}", methods=["GET"])
async def pair_late(req: func.HttpRequest) -> func.HttpResponse:
    return tell(function="pair_late", route_params=dict(req.route_params))


@app.route("twin", methods=["GET"])
async def twin_b(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="twin_b")


@app.route("twin", methods=["GET"])
async def twin_a(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="twin_a")


@app.route("administer", methods=["GET"])
async def administer(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="administer")


@app.route("keyed", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
async def keyed(req: func.HttpRequest) -> func.HttpResponse:
    header = req.headers.get("x-functions-key")
    return tell(function="keyed", code=req.params.get("code"), header=header)


@app.route("other", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def other(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="other")


@app.route("master-only", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
async def master_only(req: func.HttpRequest) -> func.HttpResponse:
    del req
    return tell(function="master_only")


@app.route("answer/{status}")
async def answer(req: func.HttpRequest) -> func.HttpResponse:
    asked = dict(req.params)
    body: str | bytes | None = asked.pop("body", None)
    if "base64" in asked:
        body = base64.b64decode(asked.pop("base64"))
    headers = json.loads(asked.pop("headers", "{}"))
    status: Any = req.route_params["status"]
    with contextlib.suppress(ValueError):  # a word is what some cases are about
        status = int(status)
    return func.HttpResponse(body, status_code=status, headers=headers, **asked)


@app.route("returned/{kind}", methods=["GET"])
async def returned(req: func.HttpRequest) -> str:
    kinds = {
        "none": None,
        "text": "plain text",
        "empty": "",
        "accents": "caf\u00e9",
        "json": '{"a": 1}',
        "response-like": '{"body": "B", "status": 201, "headers": {"X-Told": "yes"}}',
        "dict": {"a": 1},
        "bytes": b"abc",
    }
    return kinds[req.route_params["kind"]]  # type: ignore[return-value] # the point


@app.route("broken")
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    del req
    raise RuntimeError("planted fault")


@app.route("cookies", methods=["GET"])
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    del req
    told = func.HttpResponse("cookies")
    attributes = "Domain=example.org; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
    for name, value in (
        ("Set-Cookie", f"a=1; {attributes}"),
        ("Set-Cookie", "b=2"),
        ("X-Again", "one"),
        ("X-Again", "two"),
    ):
        told.headers.add(name, value)
    return told


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
async def tick(timer: func.TimerRequest) -> None:
    del timer
