"""What the simulator accepts and refuses, as Face's documentation and recordings have it."""

import hashlib
import json

import aiohttp
import pytest

from local.azure.identity import HEADER
from local.ports import HOST
from tests.support.face_calls import FIELDS, JPEG, LIVENESS, WITH_VERIFY, FaceCalls

BAD_FIELDS = {
    "unknown mode": ({"livenessOperationMode": "passive"}, "InvalidLivenessOperationMode"),
    "no mode": ({"livenessOperationMode": None}, "InvalidLivenessOperationMode"),
    "no device": ({"deviceCorrelationId": None}, "InvalidDeviceCorrelationId"),
    "empty device": ({"deviceCorrelationId": ""}, "InvalidDeviceCorrelationId"),
    "long device": ({"deviceCorrelationId": "x" * 65}, "InvalidDeviceCorrelationId"),
    "device twice": ({"deviceCorrelationIdSetInClient": True}, "InvalidDeviceCorrelationId"),
    "short life": ({"authTokenTimeToLiveInSeconds": 59}, "InvalidTokenLifetime"),
    "long life": ({"authTokenTimeToLiveInSeconds": 86_401}, "InvalidTokenLifetime"),
    "life as text": ({"authTokenTimeToLiveInSeconds": "600"}, "InvalidRequestBody"),
    "life as flag": ({"authTokenTimeToLiveInSeconds": True}, "InvalidRequestBody"),
    "flag as text": ({"enableSessionImage": "true"}, "InvalidRequestBody"),
    "flag as number": ({"enableSessionImage": 1}, "InvalidRequestBody"),
    "device as number": ({"deviceCorrelationId": 1}, "InvalidRequestBody"),
    "unknown model": ({"livenessModelVersion": "2020-01-01"}, "InvalidRequestBody"),
    "preview field": ({"sendResultsToClient": False}, "InvalidRequestBody"),
    "verify's field": ({"returnVerifyImageHash": True}, "InvalidRequestBody"),
}
BAD_FORMS = {
    "python's flag": ({"returnVerifyImageHash": "True"}, "InvalidRequestBody"),
    "flag as number": ({"enableSessionImage": "1"}, "InvalidRequestBody"),
    "fractional life": ({"authTokenTimeToLiveInSeconds": "600.0"}, "InvalidRequestBody"),
    "short life": ({"authTokenTimeToLiveInSeconds": "59"}, "InvalidTokenLifetime"),
    "threshold over one": ({"verifyConfidenceThreshold": "1.1"}, "InvalidRequestBody"),
    "decimal comma": ({"verifyConfidenceThreshold": "0,5"}, "InvalidRequestBody"),
    "the preview's part": ({"Parameters": "{}"}, "InvalidRequestBody"),
}
BAD_IMAGES = {
    "too small": (JPEG[:1023], "InvalidImageSize"),
    "too big": (JPEG + bytes(6 * 1024 * 1024), "InvalidImageSize"),
    "not an image": (b"RIFF____WEBP" + bytes(2000), "InvalidImage"),
}


@pytest.mark.parametrize(("fields", "code"), BAD_FIELDS.values(), ids=BAD_FIELDS)
async def test_bad_create_is_refused_by_its_code(
    face: FaceCalls, fields: dict[str, object], code: str
) -> None:
    answer = await face.create(**fields)

    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(("fields", "code"), BAD_FORMS.values(), ids=BAD_FORMS)
async def test_bad_form_is_refused_by_its_code(
    face: FaceCalls, fields: dict[str, str], code: str
) -> None:
    answer = await face.create_with_verify(**fields)

    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(("image", "code"), BAD_IMAGES.values(), ids=BAD_IMAGES)
async def test_bad_reference_image_is_refused_by_its_code(
    face: FaceCalls, image: bytes, code: str
) -> None:
    answer = await face.create_with_image(image)

    assert (answer.status, answer.code) == (400, code)


async def test_reference_image_without_a_filename_is_no_file(face: FaceCalls) -> None:
    writer = aiohttp.MultipartWriter("form-data")
    fields = {name: value.encode() for name, value in FIELDS.items()}
    for name, value in (fields | {"verifyImage": JPEG}).items():
        writer.append(value).set_content_disposition("form-data", name=name)

    answer = await face.call("POST", f"/face/v1.2/{WITH_VERIFY}", data=writer)

    assert (answer.status, answer.code) == (400, "InvalidRequestBody")


@pytest.mark.parametrize(
    ("family", "kind", "body", "code"),
    [
        (LIVENESS, "application/json", b"{", "BadArgument"),
        (LIVENESS, "application/json", b"[]", "InvalidRequestBody"),
        (LIVENESS, "text/plain", json.dumps(FIELDS).encode(), "InvalidRequestBody"),
        (WITH_VERIFY, "application/json", json.dumps(FIELDS).encode(), "InvalidRequestBody"),
        (WITH_VERIFY, "multipart/form-data", b"x", "InvalidRequestBody"),
        (WITH_VERIFY, "multipart/form-data; boundary=a", b"--b\r\n", "InvalidRequestBody"),
    ],
    ids=["half", "array", "text", "JSON for a form", "no boundary", "another boundary"],
)
async def test_unreadable_body_is_refused(
    face: FaceCalls, family: str, kind: str, body: bytes, code: str
) -> None:
    key = {"Ocp-Apim-Subscription-Key": "local-face-key", "Content-Type": kind}

    answer = await face.call("POST", f"/face/v1.2/{family}", data=body, headers=key)

    assert (answer.status, answer.code) == (400, code)


async def test_user_correlation_id_is_tolerated_though_v1_2_does_not_know_it(
    face: FaceCalls,
) -> None:
    plain = await face.create(userCorrelationId="user-1")
    with_verify = await face.create_with_verify(userCorrelationId="user-1")

    assert (plain.status, with_verify.status) == (200, 200)


async def test_client_may_bring_its_device_id_and_its_image(face: FaceCalls) -> None:
    plain = await face.create(deviceCorrelationId=None, deviceCorrelationIdSetInClient=True)
    without_image = await face.create_with_image(None)

    assert plain.status == 200
    assert without_image.body["results"] == {"attempts": [], "verifyReferences": []}


async def test_session_is_unknown_under_the_other_kind(face: FaceCalls) -> None:
    session_id = (await face.create()).body["sessionId"]

    answer = await face.call("GET", f"/face/v1.2/{WITH_VERIFY}/{session_id}")

    assert (answer.status, answer.code) == (404, "SessionNotFound")


@pytest.mark.parametrize(
    "path",
    [
        "//face/v1.2/detectLiveness-sessions",
        "/face/v1.2/detectLiveness-sessions/",
        "/face/v1.2/detectLivenesswithVerify-sessions",
        "/face/v1.2/detectLiveness/singleModal/sessions",
        "/face/v1.1/detectLiveness-sessions",
    ],
)
async def test_only_the_exact_path_creates(face: FaceCalls, path: str) -> None:
    answer = await face.call("POST", path, json=FIELDS)

    assert (answer.status, answer.code) == (404, "404")


async def test_session_is_forgotten_after_forty_eight_hours(face: FaceCalls) -> None:
    created = await face.create()

    await face.control("clock", advanceSeconds=48 * 3600 - 60)
    before = await face.get(created)
    await face.control("clock", advanceSeconds=60)
    after = await face.get(created)

    assert (before.status, after.status) == (200, 404)
    assert (await face.call("GET", "/simulator/sessions")).body == []


async def test_image_hash_is_told_only_when_asked_for(face: FaceCalls) -> None:
    silent = await face.create_with_verify()
    asked = await face.create_with_verify(returnVerifyImageHash="true")

    results = []
    for created in (silent, asked):
        await face.play(created, "realface")
        results.append((await face.get(created)).body["results"]["attempts"][0]["result"])

    assert "verifyImageHash" not in results[0]
    assert results[1]["verifyImageHash"] == hashlib.sha256(JPEG).hexdigest().upper()


async def test_confidence_under_the_threshold_is_another_person(face: FaceCalls) -> None:
    created = await face.create_with_verify(verifyConfidenceThreshold="0.95")
    await face.play(created, "realface")

    result = (await face.get(created)).body["results"]["attempts"][0]["result"]

    assert result["verifyResult"] == {"matchConfidence": 0.93, "isIdentical": False}


async def test_rotated_key_is_the_only_one_that_opens(face: FaceCalls) -> None:
    await face.control("key", key="a-new-key")

    old = await face.create()
    new_key = {"Ocp-Apim-Subscription-Key": "a-new-key"}
    path = f"/face/v1.2/{LIVENESS}"
    new = await face.call("POST", path, json=FIELDS, headers=new_key)

    assert (old.status, old.code, new.status) == (401, "401", 200)


@pytest.mark.parametrize(
    ("resource", "status"),
    [("https://cognitiveservices.azure.com", 200), ("https://storage.azure.com", 401)],
)
async def test_entra_token_opens_only_if_it_is_for_cognitive_services(
    face: FaceCalls, resource: str, status: int
) -> None:
    url = f"http://{HOST}:{face.ports.identity}/msi/token"
    query = {"resource": resource, "api-version": "2019-08-01"}
    async with face.http.get(url, params=query, headers={"X-IDENTITY-HEADER": HEADER}) as issued:
        token = (await issued.json())["access_token"]

    headers = {"Authorization": f"Bearer {token}"}
    answer = await face.call("POST", f"/face/v1.2/{LIVENESS}", json=FIELDS, headers=headers)

    assert answer.status == status
