import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import azure.functions as func
import pytest

from shared.api.door import Audience, check_caller, current_caller
from shared.app import App
from shared.entra.access_token import TokenRules
from shared.entra.signing_keys import SigningKeys
from shared.entra.token_check import TokenCheck
from shared.errors import ForbiddenError, SigningKeysUnavailableError, UnauthorizedError
from shared.session.caller import Caller
from tests.support.entra_tokens import (
    APP_ID,
    AUDIENCE,
    AUTHORITY,
    OBJECT_ID,
    TENANT,
    KeyPage,
    a_token,
)
from tests.support.fakes import Clock
from tests.support.stage import Stage

ROLES = {Audience.SERVER: "Liveness.Server", Audience.OPERATOR: "Liveness.Operator"}
BY_TOKEN = sorted(ROLES)
CALLER = Caller(app_id=APP_ID, object_id=OBJECT_ID)


@pytest.fixture
async def page() -> AsyncIterator[KeyPage]:
    async with KeyPage.serve() as page:
        yield page


@pytest.fixture
async def app(page: KeyPage) -> AsyncIterator[App]:
    """Give an app whose servers come with tokens."""
    keys = SigningKeys.connect(page.url, TENANT, timeout_seconds=30, now=Clock())
    rules = TokenRules.of_tenant(TENANT, authority=AUTHORITY, audience=AUDIENCE)
    yield replace(Stage().app, token_check=TokenCheck(keys=keys, rules=rules))
    await keys.close()


def a_call(authorization: str | None = None) -> func.HttpRequest:
    headers = {} if authorization is None else {"Authorization": authorization}
    return func.HttpRequest(method="GET", url="https://app.test/api/x", headers=headers, body=b"")


@pytest.mark.parametrize("audience", BY_TOKEN)
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_token_with_the_role_of_the_route_opens_it(
    app: App, audience: Audience, scheme: str
) -> None:
    token = a_token(roles=["Another.Role", ROLES[audience]])

    await check_caller(app, a_call(scheme + token), audience)
    assert current_caller() == CALLER


@pytest.mark.parametrize("audience", BY_TOKEN)
@pytest.mark.parametrize("has_the_other", [True, False])
async def test_a_token_without_the_role_of_the_route_is_forbidden(
    app: App, audience: Audience, *, has_the_other: bool
) -> None:
    others = [role for one, role in ROLES.items() if one is not audience and has_the_other]
    similar = [f"{ROLES[audience]}.Read", ROLES[audience].lower()]

    with pytest.raises(ForbiddenError, match=ROLES[audience]):
        await check_caller(app, a_call(f"Bearer {a_token(roles=others + similar)}"), audience)
    assert current_caller() == CALLER


@pytest.mark.parametrize("audience", BY_TOKEN)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        f"Basic {a_token()}",
        a_token(),
        f"Bearer {a_token()},Bearer {a_token()}",
        f"Bearer {a_token(exp=1)}",
        "Bearer c2Vzc2lvbi10b2tlbg",
    ],
    ids=["none", "empty", "no token", "blank", "basic", "of another scheme", "of no scheme", "two",
         "expired", "a session's token"],
)  # fmt: skip
async def test_whoever_has_no_good_token_is_refused(
    app: App, audience: Audience, authorization: str | None
) -> None:
    with pytest.raises(UnauthorizedError):
        await check_caller(app, a_call(authorization), audience)
    assert current_caller() is None


@pytest.mark.parametrize("audience", BY_TOKEN)
async def test_while_nobody_knows_the_keys_nobody_is_let_in(
    app: App, page: KeyPage, audience: Audience
) -> None:
    page.status = 503

    with pytest.raises(SigningKeysUnavailableError):
        await check_caller(app, a_call(f"Bearer {a_token()}"), audience)


@pytest.mark.parametrize("authorization", [None, "Bearer made-up"])
async def test_a_frontend_is_asked_for_no_access_token(
    app: App, page: KeyPage, authorization: str | None
) -> None:
    await check_caller(app, a_call(authorization), Audience.FRONTEND)
    assert (current_caller(), page.paths) == (None, [])


@pytest.mark.parametrize("audience", BY_TOKEN)
async def test_where_keys_are_asked_for_nobody_looks_at_a_token(audience: Audience) -> None:
    assert Stage().app.token_check is None
    await check_caller(Stage().app, a_call("Bearer made-up"), audience)
    assert current_caller() is None


async def test_one_request_does_not_know_the_caller_of_another(app: App) -> None:
    authorized = a_call(f"Bearer {a_token()}")
    await check_caller(app, authorized, Audience.SERVER)
    with pytest.raises(UnauthorizedError):
        await check_caller(app, a_call(), Audience.SERVER)
    assert current_caller() is None

    await asyncio.create_task(check_caller(app, authorized, Audience.SERVER))
    assert current_caller() is None


def test_an_audience_that_is_added_must_say_how_it_gets_in() -> None:
    assert {*ROLES, Audience.FRONTEND} == set(Audience)
