"""Who may call what, where callers come with Entra tokens; keys are the platform's to check.

A frontend opens its session with the session's own token, which the endpoint checks in any case.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum

import azure.functions as func

from shared.app import App
from shared.errors import ForbiddenError, UnauthorizedError
from shared.secret import Secret
from shared.session.caller import Caller


class Audience(StrEnum):
    """Whom a route is for."""

    FRONTEND = "frontend"
    SERVER = "server"
    OPERATOR = "operator"


_ROLES: Mapping[Audience, str] = {
    Audience.SERVER: "Liveness.Server",
    Audience.OPERATOR: "Liveness.Operator",
}


# Each request runs in a context of its own.
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller | None:
    """Say who makes this request, if that is known: a key says nothing of its holder."""
    return _caller.get()


async def check_caller(app: App, req: func.HttpRequest, audience: Audience) -> None:
    """Learn who calls, where callers come with tokens; refuse who has none, or not the role."""
    _caller.set(None)
    role = _ROLES.get(audience)
    if role is None or app.token_check is None:
        return
    found = await app.token_check.verify(_bearer(req))
    _caller.set(found.caller)
    if role not in found.roles:
        raise ForbiddenError(f"the access token's roles do not hold {role}")


def _bearer(req: func.HttpRequest) -> Secret:
    scheme, _, token = req.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthorizedError("there is no access token")
    return Secret(token.strip())
