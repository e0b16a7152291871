"""Whatever a create says counts when it is repeated under its Idempotency-Key."""

import json
from dataclasses import fields, replace

import pytest
from msgspec import structs

from shared.api import create_body
from shared.api.contract import CreateBody
from shared.image_choices import ClientReferenceImage, SessionImage
from shared.session.idempotency import describe_request
from shared.session.start_request import Mode, StartRequest
from tests.support.builders import PNG, a_request

CLIENT_IMAGE: dict[str, object] = {
    "verifyImageSetInClient": True,
    "verifyImageSha256": "ab" * 32,
}
# For every field of a create, what makes it another request.
CHANGES: dict[str, dict[str, object]] = {
    "livenessOperationMode": {"livenessOperationMode": "Passive"},
    "deviceCorrelationId": {"deviceCorrelationId": "device-2"},
    "deviceCorrelationIdSetInClient": {
        "deviceCorrelationId": None,
        "deviceCorrelationIdSetInClient": True,
    },
    "userCorrelationId": {"userCorrelationId": "user-1"},
    "authTokenTimeToLiveInSeconds": {"authTokenTimeToLiveInSeconds": 60},
    "reference": {"reference": "order-1"},
    "enableSessionImage": {"enableSessionImage": True},
    "referenceSessionId": {"referenceSessionId": "5" * 33},
    "verifyImageSetInClient": CLIENT_IMAGE,
    "verifyImageSha256": CLIENT_IMAGE | {"verifyImageSha256": "cd" * 32},
}
OTHER = StartRequest(
    mode=Mode.PASSIVE,
    token_seconds=60,
    device_correlation_id="device-2",
    user_correlation_id="user-1",
    reference="order-1",
    keeps_image=True,
    verify_image=PNG,
    reference_session_id="5" * 33,
    client_image_sha256="ab" * 32,
)


def description_of(**said: object) -> str:
    body = json.dumps({"deviceCorrelationId": "device-1", **said}).encode()
    request = create_body.parse(
        "application/json",
        body,
        max_token_seconds=600,
        session_image=SessionImage.ALLOW,
        client_reference_image=ClientReferenceImage.ALLOW,
    )
    return describe_request(request)


@pytest.mark.parametrize("name", [field.encode_name for field in structs.fields(CreateBody)])
def test_a_create_that_differs_in_one_field_is_another_request(name: str) -> None:
    assert description_of() == description_of()
    assert description_of(**CHANGES[name]) != description_of()


@pytest.mark.parametrize("name", [field.name for field in fields(StartRequest) if field.init])
def test_no_field_of_a_request_is_left_out_of_its_hash(name: str) -> None:
    request = a_request()
    other = replace(request, **{name: getattr(OTHER, name)})

    assert describe_request(other) != describe_request(request)
