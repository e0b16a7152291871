import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from shared import settings
from shared.api.contract import StartReply
from shared.api.responses import Reply
from shared.errors import InvalidRequestError
from shared.face.answers import FaceResponse
from shared.face.call_options import CallOptions
from shared.face.client import FaceClient
from shared.face.entra import EntraCredential
from shared.face.protocol import FaceRequest, Operation
from shared.flow.creation import begin_creation
from shared.secret import Secret
from shared.session.face_answer import FaceSession
from shared.session.idempotency import IdempotencyRecord
from shared.session.ids import FaceSessionId
from shared.session.person import CorrelationIds, Person, PersonKind
from shared.session.session import Kind, Report, Status
from shared.session.shard import KeyHash, Shard
from shared.session.start_request import Mode, StartRequest
from shared.session.started import Started
from shared.store import row_keys
from tests.support.builders import (
    DIGEST,
    NOW,
    PNG,
    SESSION_ID,
    a_request,
    a_session,
    an_answer,
    an_attempt,
)
from tests.support.fakes import SEALER, SequentialBytes

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.face.credentials import FaceCredential

VALUE = "planted-value"
SECRET = Secret(VALUE)


def in_an_error(secret: Secret) -> str:
    return repr(ValueError("wrong", secret))


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(str, id="str"),
        pytest.param(repr, id="repr"),
        pytest.param(format, id="format"),
        pytest.param(lambda secret: f"{secret}", id="f-string"),
        pytest.param(lambda secret: f"{secret!r:>40}", id="f-string-of-repr"),
        pytest.param(lambda secret: f"{[secret]} { {'key': secret} }", id="in-containers"),
        pytest.param(lambda secret: "%s" % secret, id="percent"),  # noqa: UP031
        pytest.param(in_an_error, id="in-an-error"),
    ],
)
def test_a_secret_never_prints_itself(show: Callable[[Secret], str]) -> None:
    assert VALUE not in show(SECRET)


@pytest.mark.parametrize("dump", [json.dumps, pickle.dumps], ids=["json", "pickle"])
def test_a_secret_cannot_be_written_out(dump: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError):
        dump(SECRET)


def test_a_secret_comes_out_by_asking_and_is_one_with_its_like() -> None:
    assert SECRET.reveal() == VALUE
    assert Secret(VALUE) == SECRET
    assert Secret("another") != SECRET


FACE_SESSION = FaceSession(face_session_id=FaceSessionId("face-1"), auth_token=SECRET)
SETTINGS = settings.from_environment(
    {
        "FACE_ENDPOINT": "https://face.test",
        "KEY_VAULT_URL": "https://vault.test",
        "AzureWebJobsStorage": f"AccountName=x;AccountKey={VALUE}",
        "SWEEP_SCHEDULE": "0 * * * * *",
    }
)


A_CREATION = begin_creation(a_request(user=VALUE), SECRET, None, SEALER, SequentialBytes())
A_START_REPLY = StartReply(
    session_id="s",
    kind=Kind.LIVENESS,
    status=Status.STARTED,
    auth_token=VALUE,
    session_token=VALUE,
    expires_at="",
    expires_in_seconds=600,
    model_version=None,
    reference=VALUE,
)


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param(FACE_SESSION, id="FaceSession"),
        pytest.param(
            Started(
                session=a_session(),
                auth_token=SECRET,
                session_token=SECRET,
            ),
            id="Started",
        ),
        pytest.param(SETTINGS, id="Settings"),
        pytest.param(
            FaceResponse(status=200, body=f'{{"authToken":"{VALUE}"}}'.encode()), id="FaceResponse"
        ),
        pytest.param(
            FaceRequest(
                operation=Operation.CREATE, method="POST", path="/", body={"id": VALUE}, image=PNG
            ),
            id="FaceRequest",
        ),
        pytest.param(a_request(image=PNG, user=VALUE), id="StartRequest"),
        pytest.param(
            StartRequest(mode=Mode.PASSIVE, token_seconds=60, device_correlation_id=VALUE),
            id="StartRequest-of-a-device",
        ),
        pytest.param(
            a_session(
                sealed_user_correlation_id=VALUE,
                sealed_device_correlation_id=VALUE,
                key_hash=VALUE,
                verify_image_sha256=VALUE,
                report=Report(digest=DIGEST, result_id=VALUE),
            ),
            id="Session",
        ),
        pytest.param(
            replace(a_session(person=VALUE, version=VALUE), token_hash=VALUE),
            id="Session-and-its-hashes",
        ),
        pytest.param(
            IdempotencyRecord(
                key_hash=KeyHash(VALUE),
                request_hash=VALUE,
                session_id=SESSION_ID,
                ends_at=NOW,
                version=VALUE,
            ),
            id="IdempotencyRecord",
        ),
        pytest.param(
            row_keys.alarm_from_key(Shard("5"), row_keys.record_alarm_key(NOW, VALUE)),
            id="Alarm-of-a-row",
        ),
        pytest.param(Person(kind=PersonKind.USER, id=VALUE), id="Person"),
        pytest.param(CorrelationIds(user=VALUE, device=VALUE), id="CorrelationIds"),
        pytest.param(A_CREATION, id="Creation"),
        pytest.param(Report(digest=DIGEST), id="Report"),
        pytest.param(an_attempt(digest=DIGEST, verify_image_hash=VALUE), id="Attempt"),
        pytest.param(
            an_answer(an_attempt(digest=DIGEST, verify_image_hash=VALUE)), id="FaceAnswer"
        ),
        pytest.param(Reply(status=201, body=A_START_REPLY), id="Reply"),
        pytest.param(
            EntraCredential(cast("AsyncTokenCredential", VALUE), scope="any", timeout_seconds=1),
            id="EntraCredential",
        ),
        pytest.param(
            FaceClient(
                cast("ClientSession", None),
                "https://face.test",
                cast("FaceCredential", VALUE),
                CallOptions(timeout_seconds=1, budget_seconds=1),
                {},
            ),
            id="FaceClient",
        ),
        pytest.param(InvalidRequestError("no", target="deviceCorrelationId"), id="an-error"),
    ],
)
def test_whatever_holds_a_secret_does_not_print_it(holder: object) -> None:
    shown = f"{holder!r}{holder!s}"

    assert VALUE not in shown
    assert DIGEST not in shown
    assert "PNG" not in shown
    assert a_session().token_hash not in shown
