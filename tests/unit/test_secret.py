import json
import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.face_protocol import FaceRequest, FaceResponse
from shared.face_terms import FaceSession
from shared.liveness_flow import Started
from shared.secret import Secret
from shared.sessions import Report
from shared.settings import Settings
from shared.start_request import StartRequest
from tests.unit.builders import DIGEST, PNG, a_request, a_session

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


FACE_SESSION = FaceSession(face_session_id="face-1", auth_token=SECRET)
SETTINGS = Settings(
    face_endpoint="https://face.test",
    key_vault_url="https://vault.test",
    face_key_secret_name="face-api-key",
    face_key_cache=timedelta(),
    storage_connection=SECRET,
    table_service_url=None,
    session_grace=timedelta(),
    retention=timedelta(),
    max_token_seconds=600,
    digest_required=False,
    verify_confidence_floor=0,
    verify_image_hash_required=True,
    face_timeout_seconds=5,
    store_timeout_seconds=3,
    key_timeout_seconds=3,
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
                reference_image=None,
            ),
            id="Started",
        ),
        pytest.param(SETTINGS, id="Settings"),
        pytest.param(
            FaceResponse(status=200, body=f'{{"authToken":"{VALUE}"}}'.encode()), id="FaceResponse"
        ),
        pytest.param(
            FaceRequest(operation="create", method="POST", path="/", body={"id": VALUE}, image=PNG),
            id="FaceRequest",
        ),
        pytest.param(a_request(image=PNG, user=VALUE), id="StartRequest"),
        pytest.param(
            StartRequest(mode="Passive", token_seconds=60, device_correlation_id=VALUE),
            id="StartRequest-of-a-device",
        ),
        pytest.param(
            a_session(
                user_correlation_id=VALUE,
                device_correlation_id=VALUE,
                verify_image_sha256=VALUE,
                report=Report(digest=DIGEST, result_id=VALUE),
            ),
            id="Session",
        ),
    ],
)
def test_whatever_holds_a_secret_does_not_print_it(holder: object) -> None:
    shown = f"{holder!r}{holder!s}"

    assert VALUE not in shown
    assert DIGEST not in shown
    assert "PNG" not in shown
    assert a_session().token_hash not in shown
