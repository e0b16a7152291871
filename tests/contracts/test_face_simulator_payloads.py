"""The simulator's bodies have the shapes that the live service was recorded with."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.face_calls import FIELDS, LIVENESS, Answer, FaceCalls

SAMPLES = Path(__file__).parents[1] / "samples" / "face"

# Values that are part of the shape: a reader decides by them.
WORDS = {"status", "attemptStatus", "livenessDecision", "referenceType", "code", "isIdentical"}


def shape_of(value: object, name: str = "") -> object:
    if isinstance(value, dict):
        return {key: shape_of(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [shape_of(each) for each in value]
    if name in WORDS or value == "":
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9A-F]{64}", value):
        return "64 upper-case hex digits"
    return type(value).__name__


async def realface(face: FaceCalls) -> Answer:
    created = await face.create(enableSessionImage=True)
    await face.play(created, "realface")
    return await face.get(created)


async def running(face: FaceCalls) -> Answer:
    created = await face.create()
    await face.play(created, "running")
    return await face.get(created)


async def running_with_verify(face: FaceCalls) -> Answer:
    created = await face.create_with_verify()
    await face.play(created, "running")
    return await face.get(created)


async def different_person(face: FaceCalls) -> Answer:
    created = await face.create_with_verify(enableSessionImage="true")
    await face.play(created, "realface", isIdentical=False)
    return await face.get(created)


async def second_attempt(face: FaceCalls) -> Answer:
    created = await face.create(enableSessionImage=True)
    await face.play(created, "error:FaceWithMaskDetected")
    await face.play(created, "realface")
    return await face.get(created)


async def second_attempt_with_verify(face: FaceCalls) -> Answer:
    flags = {"enableSessionImage": "true", "returnVerifyImageHash": "true"}
    created = await face.create_with_verify(**flags)
    await face.play(created, "error:FaceWithMaskDetected")
    await face.play(created, "realface", isIdentical=False)
    return await face.get(created)


async def spoofface(face: FaceCalls) -> Answer:
    created = await face.create(enableSessionImage=True)
    await face.play(created, "spoofface")
    return await face.get(created)


async def failed(face: FaceCalls) -> Answer:
    created = await face.create()
    for _ in range(3):
        await face.play(created, "error:FaceWithMaskDetected")
    return await face.get(created)


async def canceled(face: FaceCalls) -> Answer:
    created = await face.create()
    await face.play(created, "canceled")
    return await face.get(created)


async def detected(face: FaceCalls) -> Answer:
    _, image_id = await face.take_picture()
    return await face.detect(
        image_id,
        recognitionModel="recognition_03",
        returnRecognitionModel="true",
        returnFaceAttributes="glasses,headPose,occlusion,blur,exposure,noise,qualityForRecognition",
    )


async def not_found(face: FaceCalls) -> Answer:
    created = await face.create()
    await face.delete(created)
    return await face.get(created)


async def denied(face: FaceCalls) -> Answer:
    return await face.call("POST", f"/face/v1.2/{LIVENESS}", json=FIELDS, headers={})


async def throttled(face: FaceCalls) -> Answer:
    await face.control("faults", operation="create", times=1, status=429)
    return await face.create()


CASES: dict[str, tuple[int, Callable[[FaceCalls], Awaitable[Answer]]]] = {
    "created": (200, FaceCalls.create),
    "running": (200, running),
    "realface": (200, realface),
    "created-with-verify": (200, FaceCalls.create_with_verify),
    "running-with-verify": (200, running_with_verify),
    "different-person": (200, different_person),
    "second-attempt": (200, second_attempt),
    "second-attempt-with-verify": (200, second_attempt_with_verify),
    "spoofface": (200, spoofface),
    "failed": (200, failed),
    "canceled": (200, canceled),
    "detected": (200, detected),
    "not-found": (404, not_found),
    "denied": (401, denied),
    "throttled": (429, throttled),
}


def samples() -> dict[str, object]:
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("*.json"))}


@pytest.mark.parametrize(("name", "sample"), samples().items(), ids=samples())
async def test_simulator_answers_in_the_shape_of_the_sample(
    face: FaceCalls, name: str, sample: object
) -> None:
    status, case = CASES[name]

    answer = await case(face)

    assert answer.status == status
    assert shape_of(answer.body) == shape_of(sample)


async def test_every_answer_is_traceable_and_only_successes_are_billed(face: FaceCalls) -> None:
    created = await face.create()
    deleted = await face.delete(created)
    missing = await face.get(created)
    unrouted = await face.call("GET", "/face/v1.2/livenessSessions/1/result")

    answers = [created, deleted, missing, unrouted]
    assert len({answer.headers["apim-request-id"] for answer in answers}) == len(answers)
    assert ["CSP-Billing-Usage" in answer.headers for answer in answers] == [1, 1, 0, 0]
    assert not any("x-ms-error-code" in answer.headers for answer in answers)
    assert (deleted.status, deleted.body, deleted.headers.get("Content-Type")) == (204, "", None)
