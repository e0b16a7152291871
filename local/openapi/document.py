"""The whole document, from routes, operations and the contract."""

import json
from pathlib import Path
from typing import Any

from local.openapi.examples import EXAMPLES, Body, shown_answers
from local.openapi.operations import OPERATIONS, Operation, Success, codes_of
from local.openapi.routes import ROUTES, Route
from local.openapi.schemas import Schema, ref, schemas
from shared.api import contract, error_replies
from shared.api.door import Audience

PATH = Path(__file__).parents[2] / "shared" / "api" / "openapi.json"

_UNAUTHORIZED = 401
_TO_WAIT_FOR, _MAYBE_TO_WAIT_FOR = {429, 503}, {409, 502}
_STATUS_BY_CODE = {code: status for status, code in error_replies.STATUS_BY_ERROR.values()}
_SECURITY: dict[Audience | None, list[dict[str, list[str]]]] = {
    None: [],
    Audience.FRONTEND: [{"sessionToken": []}],
    Audience.SERVER: [{"serverKey": []}, {"entra": ["Liveness.Server"]}],
    Audience.OPERATOR: [{"operatorKey": []}, {"entra": ["Liveness.Operator"]}],
}
_TAGS = {
    "server": "By a function key or an access token; never from a frontend.",
    "frontend": "By the session's own token; they never tell an outcome.",
    "operator": "By a function key of their own, or an access token with their own role.",
    "anybody": "By nothing.",
}
_BY_HOST = (
    " Without a key, or with a wrong one, the platform's own 401 has no body, where the app takes"
    " function keys."
)
_DESCRIPTION = (
    "Runs Azure AI Face liveness checks for web and mobile frontends. docs/api.md says the same for"
    " people. Beside these answers the platform may give empty ones of its own (401, 404, 500, 502,"
    " 503) while it starts, or where no route is meant."
)


def text() -> str:
    """Return the document as it is committed."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def build() -> Schema:
    """Build the document; whatever nobody has described fails here, by its name."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face Liveness Functions",
            "version": "2.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api", "description": "Wherever the app is."}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": _paths(),
        "components": {
            "securitySchemes": _security_schemes(),
            "headers": _headers(),
            "schemas": _schemas(),
        },
    }


def _paths() -> Schema:
    paths: Schema = {}
    for route in ROUTES:
        if route.function not in OPERATIONS:
            raise KeyError(f"say in local/openapi/operations.py what {route.function} does")
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, OPERATIONS[route.function]
        )
    return paths


def _operation(route: Route, operation: Operation) -> Schema:
    described: Schema = {
        "operationId": route.function + ("_head" if route.method == "HEAD" else ""),
        "summary": operation.summary,
        "description": operation.description,
        "tags": [route.audience or "anybody"],
        "security": _SECURITY[route.audience],
        "parameters": _parameters(route, operation),
        "responses": _responses(route, operation),
    }
    if operation.body:
        described["requestBody"] = _request_body(operation.body, operation)
    return {name: value for name, value in described.items() if value or name == "security"}


def _parameters(route: Route, operation: Operation) -> list[Schema]:
    parameters = []
    if "{session_id}" in route.path:
        parameters.append(
            {
                "name": "session_id",
                "in": "path",
                "required": True,
                "description": "The session's id, as the create has told it.",
                "schema": {"type": "string", "minLength": 1, "pattern": "^[0-9a-f]{33}$"},
                "example": "5e0f7c3b9a1d48266f1b0c2d9e8a7b6c4",
            }
        )
    if operation.has_idempotency_key:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A random text of your making, one for each session that you want."
                " A repeat with the same key gets the same answer, for a day. It needs a person.",
                "schema": {"type": "string", "pattern": "^[!-~]{16,255}$"},
                "example": "5d0c6f5e3b1a4c2f9e8d7a6b",
            }
        )
    return parameters


def _request_body(body: type, operation: Operation) -> Schema:
    content: Schema = {"application/json": {"schema": ref(body.__name__)}}
    if body in EXAMPLES:
        examples = {name: {"value": example} for name, example in EXAMPLES[body].items()}
        content["application/json"]["examples"] = examples
    if body is contract.CreateBody:
        content["multipart/form-data"] = {
            "schema": ref("CreateForm"),
            "encoding": {
                "verifyImage": {"contentType": "image/jpeg, image/png, image/gif, image/bmp"}
            },
        }
    return {"required": not operation.is_body_optional, "content": content}


def _responses(route: Route, operation: Operation) -> Schema:
    # Where two answers have one shape, the page shows them in the same order.
    bodies = {one.body for one in operation.answers.values()}
    shown = {one: shown_answers(one) for one in bodies if isinstance(one, type)}
    responses: Schema = {
        str(status): _success(
            success,
            has_body=route.method != "HEAD",
            example=next(shown[success.body], None) if isinstance(success.body, type) else None,
        )
        for status, success in operation.answers.items()
    }
    codes = codes_of(operation, route.audience, route.path)
    for status in sorted({_STATUS_BY_CODE[code] for code in codes}):
        responses[str(status)] = _refusal(
            status, sorted(code for code in codes if _STATUS_BY_CODE[code] == status)
        )
    return responses


def _success(success: Success, *, has_body: bool, example: Body | None) -> Schema:
    response: Schema = {
        "description": success.description,
        "headers": _header_refs("x-ms-request-id", *success.headers),
    }
    if success.body is not None and has_body:
        media, schema = (
            (success.body, {"type": "object" if success.body == "application/json" else "string"})
            if isinstance(success.body, str)
            else ("application/json", ref(success.body.__name__))
        )
        response["content"] = {
            media: {"schema": schema, "example": example} if example else {"schema": schema}
        }
    return response


def _refusal(status: int, codes: list[str]) -> Schema:
    headers = _header_refs("x-ms-request-id", "x-ms-error-code")
    headers |= _header_refs("Retry-After") if status in _TO_WAIT_FOR else {}
    headers |= _header_refs("Retry-After?") if status in _MAYBE_TO_WAIT_FOR else {}
    description = ", ".join(f"`{code}`" for code in codes) + "."
    if status == _UNAUTHORIZED:
        # The platform's own has none of these.
        headers, description = _header_refs("WWW-Authenticate?"), description + _BY_HOST
    code = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    response: Schema = {
        "description": description,
        "content": {"application/json": {"schema": {"allOf": [ref("ErrorReply"), code]}}},
    }
    return {**response, "headers": headers}


def _header_refs(*names: str) -> Schema:
    """Point to headers, of which those with a `?` need not be there."""
    return {
        name.removesuffix("?"): {**_headers()[name.removesuffix("?")], "required": False}
        if name.endswith("?")
        else {"$ref": f"#/components/headers/{name}"}
        for name in names
    }


def _headers() -> dict[str, Any]:
    def header(description: str, example: object, **schema: object) -> Schema:
        return {"description": description, "required": True, "schema": schema, "example": example}

    return {
        "Location": header(
            "The session, relative to the app.",
            "/api/sessions/5e0f7c3b9a1d48266f1b0c2d9e8a7b6c4",
            type="string",
        ),
        "Retry-After": header("Seconds until trying again may help.", 2, type="integer", minimum=1),
        "WWW-Authenticate": header("How to come.", "Bearer", type="string"),
        "x-ms-error-code": header("The error's code.", "InvalidRequest", type="string"),
        "x-ms-request-id": header(
            "What the app's log knows the call by.",
            "7f1d2c3b-4a5e-6f70-8192-a3b4c5d6e7f8",
            type="string",
        ),
    }


def _security_schemes() -> Schema:
    def key(audience: str) -> Schema:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "x-functions-key",
            "description": f"A function key of {audience}, with `SERVER_AUTH=key`. Never in a"
            " frontend.",
        }

    return {
        "serverKey": key("your servers"),
        "operatorKey": key("your operators"),
        "entra": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "With `SERVER_AUTH=entra`: an access token for `ENTRA_AUDIENCE` whose"
            " `roles` hold the one that is named. Then no key opens anything.",
        },
        "sessionToken": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The `sessionToken` of this session, until an hour after its end.",
        },
    }


def _schemas() -> Schema:
    bodies: list[type] = [contract.ErrorReply]
    for operation in OPERATIONS.values():
        said = [success.body for success in operation.answers.values()]
        bodies += [one for one in (operation.body, *said) if isinstance(one, type)]
    return schemas(dict.fromkeys(bodies))
