"""Who called is in the log line of each call and, of the create, in the record."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import azure.functions as func
import pytest

from shared import composition
from shared.api import for_server
from shared.api.door import Audience
from shared.api.responses import answer
from shared.entra.access_token import TokenRules
from shared.entra.signing_keys import SigningKeys
from shared.entra.token_check import TokenCheck
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
from tests.unit.api.requests import a_context, a_create

WHO = f'appId="{APP_ID}" objectId="{OBJECT_ID}"'
BODY = b'{"deviceCorrelationId": "device-1"}'


@pytest.fixture
async def entra_desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Give a stage whose app is the process's, and whose servers come with tokens."""
    stage = Stage()
    async with KeyPage.serve() as page:
        keys = SigningKeys.connect(page.url, TENANT, timeout_seconds=30, now=Clock())
        rules = TokenRules.of_tenant(TENANT, authority=AUTHORITY, audience=AUDIENCE)
        app = replace(stage.app, token_check=TokenCheck(keys=keys, rules=rules))
        monkeypatch.setattr(composition, "app", lambda: app)
        yield stage
        await keys.close()


async def create(body: bytes = BODY, **said: object) -> func.HttpResponse:
    call = a_create(
        body, Content_Type="application/json", Authorization=f"Bearer {a_token(**said)}"
    )
    context = a_context("start_session")
    return await answer(for_server.start_session, call, context, Audience.SERVER)


async def test_a_create_is_recorded_with_its_caller(entra_desk: Stage) -> None:
    assert (await create()).status_code == 201

    (session,) = entra_desk.store.sessions.values()
    assert session.created_by == Caller(app_id=APP_ID, object_id=OBJECT_ID)


@pytest.mark.usefixtures("entra_desk")
@pytest.mark.parametrize(
    ("body", "said", "status", "line"),
    [
        (BODY, {}, 201, f'caller admitted operation="start_session" {WHO}'),
        (b"{", {}, 400, f'code="InvalidRequest" cause="the body must be JSON in UTF-8" {WHO}'),
        (BODY, {"roles": []}, 403, f'do not hold Liveness.Server" {WHO}'),
        (BODY, {"exp": 1}, 401, 'cause="the token is not good: ExpiredSignatureError"'),
    ],
    ids=["admitted", "refused later", "without the role", "refused"],
)
async def test_a_call_leaves_a_line_that_says_who_called(
    body: bytes, said: dict[str, object], status: int, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="face_liveness")

    assert (await create(body, **said)).status_code == status
    assert caplog.messages[-1].endswith(line)
    assert not [one for one in caplog.messages if "eyJ" in one]
