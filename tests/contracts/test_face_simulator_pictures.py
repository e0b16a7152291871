"""The picture of a check: as recorded, for as long as Face has the check, and what Detect sees."""

import json
import re
from collections.abc import AsyncIterator

import pytest

from local.azure.vault_secret import FIRST_KEY
from local.ports import HOST
from shared.errors import FaceUnavailableError
from shared.face.call_options import CallOptions
from shared.face.client import FaceClient
from shared.secret import Secret
from shared.session.face_answer import NoImage
from shared.session.ids import SessionImageId
from tests.support.face_calls import FaceCalls

JSON = {"Ocp-Apim-Subscription-Key": "local-face-key", "Content-Type": "application/json"}
BAD_QUERIES = {
    "unknown attribute": {"returnFaceAttributes": "Mask"},
    "mask by the default model": {"returnFaceAttributes": "mask"},
    "glasses beside mask": {
        "returnFaceAttributes": "mask,glasses",
        "detectionModel": "detection_03",
    },
    "any attribute by the second": {
        "returnFaceAttributes": "blur",
        "detectionModel": "detection_02",
    },
    "quality by an old model": {"returnFaceAttributes": "qualityForRecognition"},
    "unknown detection model": {"detectionModel": "detection_04"},
    "unknown recognition model": {"recognitionModel": "recognition_05"},
    "Python's flag": {"returnFaceId": "False"},
}


class TheKey:
    """The one key that the simulator takes."""

    async def get(self) -> Secret:
        return Secret(FIRST_KEY)

    def check(self) -> None:
        """Let every call go."""

    async def refresh(self, refused: Secret) -> Secret | None:
        raise AssertionError(refused)


@pytest.fixture
async def client(face: FaceCalls) -> AsyncIterator[FaceClient]:
    options = CallOptions(timeout_seconds=60, budget_seconds=60)
    client = FaceClient.connect(f"http://{HOST}:{face.ports.face}", TheKey(), options)
    yield client
    await client.close()


async def test_a_picture_comes_as_the_recorded_one_did(face: FaceCalls) -> None:
    created, image_id = await face.take_picture()

    answer = await face.get_picture(image_id)

    name = f"{image_id}.jpg"
    assert re.fullmatch(r"[A-Za-z0-9_-]{44}", image_id)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename={name}; filename*=UTF-8''{name}"
    )
    assert answer.headers["CSP-Billing-Usage"] == "CognitiveServices.Face.Transaction=1"
    note = f"session {created.body['sessionId']} attempt 1".encode()
    assert answer.body[:4] == b"\xff\xd8\xff\xfe"
    assert answer.body[6 : 6 + len(note)] == note
    assert int.from_bytes(answer.body[4:6]) == len(note) + 2


async def test_a_picture_is_good_enough_for_a_reference_image(face: FaceCalls) -> None:
    _, image_id = await face.take_picture()
    picture = (await face.get_picture(image_id)).body

    created = await face.create_with_image(picture)

    assert created.body["results"]["verifyReferences"][0]["qualityForRecognition"] == "high"


async def test_each_attempt_has_a_picture_of_its_own_and_a_failed_one_has_none(
    face: FaceCalls,
) -> None:
    created = await face.create(enableSessionImage=True)
    await face.play(created, "error:FaceWithMaskDetected")
    await face.play(created, "realface")

    last, first = (await face.get(created)).body["results"]["attempts"]

    assert b" attempt 2" in (await face.get_picture(last["result"]["sessionImageId"])).body
    assert "result" not in first


async def test_nobody_takes_a_picture_who_was_not_asked_to(face: FaceCalls) -> None:
    for create in (face.create, face.create_with_verify):
        created = await create()
        await face.play(created, "realface", sessionImage="normal")
        (attempt,) = (await face.get(created)).body["results"]["attempts"]

        assert "sessionImageId" not in attempt["result"]


async def test_a_picture_dies_with_its_session(face: FaceCalls) -> None:
    deleted, of_deleted = await face.take_picture()
    _, of_expired = await face.take_picture()
    await face.delete(deleted)
    gone = await face.get_picture(of_deleted)
    still_there = await face.get_picture(of_expired)
    await face.control("clock", advanceSeconds=48 * 3600)

    answers = [gone, await face.get_picture(of_expired), await face.detect(of_deleted)]

    assert still_there.status == 200
    assert [(answer.status, answer.code) for answer in answers] == [(404, "SessionNotFound")] * 3
    assert "CSP-Billing-Usage" not in gone.headers


async def test_a_picture_may_be_missing_or_too_large_or_not_even_named(face: FaceCalls) -> None:
    _, missing = await face.take_picture(sessionImage="missing")
    _, too_large = await face.take_picture(sessionImage="tooLarge")
    unnamed = await face.create(enableSessionImage=True)
    await face.play(unnamed, "realface", sessionImage=None)

    assert (await face.get_picture(missing)).code == "SessionNotFound"
    assert len((await face.get_picture(too_large)).body) == 8 * 1024 * 1024 + 1
    (attempt,) = (await face.get(unnamed)).body["results"]["attempts"]
    assert "sessionImageId" not in attempt["result"]
    assert (await face.play(await face.create(), "realface", sessionImage="torn")).status == 400


async def test_the_app_gets_a_picture_or_learns_why_it_never_will(
    face: FaceCalls, client: FaceClient
) -> None:
    asked = []
    for picture in ("normal", "missing", "tooLarge"):
        _, image_id = await face.take_picture(sessionImage=picture)
        asked.append((await client.get_image(SessionImageId(image_id))).value)
    await face.control("faults", operation="image", times=1, status=403)
    refused = (await client.get_image(SessionImageId(image_id))).value

    image, *others = asked
    assert isinstance(image, bytes)
    assert [*others, refused] == [NoImage.NOT_FOUND, NoImage.TOO_LARGE, NoImage.REFUSED]


@pytest.mark.parametrize("kind", ["reset", "truncate", "garbage"])
async def test_a_picture_that_breaks_on_its_way_may_come_whole_later(
    face: FaceCalls, client: FaceClient, kind: str
) -> None:
    _, image_id = await face.take_picture()
    # aiohttp tries a reset one once more by itself.
    await face.control("faults", operation="image", times=2 if kind == "reset" else 1, kind=kind)

    with pytest.raises(FaceUnavailableError):
        await client.get_image(SessionImageId(image_id))

    assert isinstance((await client.get_image(SessionImageId(image_id))).value, bytes)


@pytest.mark.parametrize(
    "attributes",
    [
        ("mask", "blur", "headPose", "qualityForRecognition"),
        ("accessories", "blur", "exposure", "glasses", "headPose", "noise", "occlusion"),
        ("qualityForRecognition",),
    ],
)
async def test_the_app_learns_what_it_asks_and_wants_no_face_id(
    face: FaceCalls, client: FaceClient, attributes: tuple[str, ...]
) -> None:
    _, image_id = await face.take_picture()

    faces = (await client.detect(SessionImageId(image_id), attributes)).value

    (seen,) = json.loads(faces or "")
    assert set(seen) == {"faceRectangle", "faceAttributes"}
    assert tuple(seen["faceAttributes"]) == attributes


async def test_a_detect_has_faces_defaults(face: FaceCalls) -> None:
    _, image_id = await face.take_picture()

    (seen,) = (await face.detect(image_id)).body

    assert set(seen) == {"faceId", "faceRectangle"}


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
async def test_a_detect_that_no_model_can_answer_is_a_bad_argument(
    face: FaceCalls, query: dict[str, str]
) -> None:
    answer = await face.detect("any", **query)

    assert (answer.status, answer.code) == (400, "BadArgument")


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"sessionImageId": 1}'])
async def test_a_detect_of_nothing_is_a_bad_argument(face: FaceCalls, body: bytes) -> None:
    answers = [
        await face.call("POST", "/face/v1.2/detect", data=body, headers=headers)
        for headers in (JSON, JSON | {"Content-Type": "text/plain"})
    ]

    assert [(one.status, one.code) for one in answers] == [(400, "BadArgument")] * 2


async def test_what_face_tells_no_longer_is_forbidden(face: FaceCalls) -> None:
    answer = await face.detect("any", returnFaceAttributes="age,mask")

    assert (answer.status, answer.code) == (403, "UnsupportedFeature")


@pytest.mark.parametrize("operation", ["image", "detect", "any"])
async def test_a_fault_of_pictures_befalls_them_and_no_other_call(
    face: FaceCalls, operation: str
) -> None:
    _, image_id = await face.take_picture()
    times = 2 if operation == "any" else 1
    await face.control("faults", operation=operation, times=times, status=403)

    asked = [await face.get_picture(image_id), await face.detect(image_id)]

    denied = {answer.status == 403 for answer in asked}
    assert denied == ({True} if operation == "any" else {True, False})
    assert (asked[0].status == 403) == (operation != "detect")
    assert (await face.create()).status == 200


async def test_pictures_want_the_key_too(face: FaceCalls) -> None:
    _, image_id = await face.take_picture()
    for method, path in (("GET", f"sessionImages/{image_id}"), ("POST", "detect")):
        answer = await face.call(method, f"/face/v1.2/{path}", json={}, headers={})

        assert (answer.status, answer.code) == (401, "401")
