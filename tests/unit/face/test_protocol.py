import pytest

from shared.face import protocol
from shared.face.choices import FaceChoices
from shared.face.protocol import FaceRequest, Operation
from shared.secret import Secret
from shared.session.session import Kind
from shared.session.start_request import Mode, StartRequest
from tests.support.builders import PNG, a_request


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(
            a_request(user="user-1"),
            FaceRequest(
                operation=Operation.CREATE,
                method="POST",
                path="/face/v1.2/detectLiveness-sessions",
                body={
                    "livenessOperationMode": "PassiveActive",
                    "authTokenTimeToLiveInSeconds": 600,
                    "deviceCorrelationId": "device-1",
                    "userCorrelationId": "user-1",
                },
            ),
            id="liveness",
        ),
        pytest.param(
            StartRequest(mode=Mode.PASSIVE, token_seconds=60, keeps_image=True),
            FaceRequest(
                operation=Operation.CREATE,
                method="POST",
                path="/face/v1.2/detectLiveness-sessions",
                body={
                    "livenessOperationMode": "Passive",
                    "authTokenTimeToLiveInSeconds": 60,
                    "deviceCorrelationIdSetInClient": True,
                    "enableSessionImage": True,
                },
            ),
            id="device-id-set-in-the-client-and-a-picture-to-keep",
        ),
        pytest.param(
            a_request(image=PNG),
            FaceRequest(
                operation=Operation.CREATE,
                method="POST",
                path="/face/v1.2/detectLivenessWithVerify-sessions",
                body={
                    "livenessOperationMode": "PassiveActive",
                    "authTokenTimeToLiveInSeconds": 600,
                    "deviceCorrelationId": "device-1",
                    "returnVerifyImageHash": True,
                },
                image=PNG,
                is_form=True,
            ),
            id="liveness-with-verify",
        ),
        pytest.param(
            StartRequest(mode=Mode.PASSIVE, token_seconds=60, client_image_sha256="ab" * 32),
            FaceRequest(
                operation=Operation.CREATE,
                method="POST",
                path="/face/v1.2/detectLivenessWithVerify-sessions",
                body={
                    "livenessOperationMode": "Passive",
                    "authTokenTimeToLiveInSeconds": 60,
                    "deviceCorrelationIdSetInClient": True,
                    "returnVerifyImageHash": True,
                },
                is_form=True,
            ),
            id="an-image-of-the-devices",
        ),
    ],
)
def test_a_create_is_written_as_face_wants_it(
    request_: StartRequest, expected: FaceRequest
) -> None:
    assert protocol.build_create(request_) == expected


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param(a_request(), {"livenessModelVersion": "2024-11-15"}, id="liveness"),
        pytest.param(
            a_request(image=PNG),
            {"livenessModelVersion": "2024-11-15", "verifyConfidenceThreshold": 0.8},
            id="liveness-with-verify",
        ),
    ],
)
def test_what_the_deployment_chooses_is_asked_of_face(
    request_: StartRequest, said: dict[str, object]
) -> None:
    choices = FaceChoices(model_version="2024-11-15", confidence_threshold=0.8)

    body = protocol.build_create(request_, choices).body or {}

    assert dict(body) == {**(protocol.build_create(request_).body or {}), **said}


@pytest.mark.parametrize(
    ("kind", "collection"),
    [
        (Kind.LIVENESS, "detectLiveness-sessions"),
        (Kind.LIVENESS_WITH_VERIFY, "detectLivenessWithVerify-sessions"),
    ],
)
def test_get_and_delete_name_the_session_and_send_nothing(kind: Kind, collection: str) -> None:
    path = f"/face/v1.2/{collection}/abc-1"

    assert protocol.build_get(kind, "abc-1") == FaceRequest(
        operation=Operation.GET, method="GET", path=path
    )
    assert protocol.build_delete(kind, "abc-1") == FaceRequest(
        operation=Operation.DELETE, method="DELETE", path=path
    )


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (600, "600"), ("Passive", "Passive")]
)
def test_a_form_is_written_as_face_reads_it(value: object, text: str) -> None:
    assert protocol.form_text(value) == text


def test_a_key_and_a_token_are_shown_in_headers_of_their_own() -> None:
    assert protocol.key_header(Secret("k")) == {"Ocp-Apim-Subscription-Key": "k"}
    assert protocol.token_header(Secret("t")) == {"Authorization": "Bearer t"}
