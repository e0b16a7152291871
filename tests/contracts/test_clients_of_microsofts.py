"""Microsoft's own client, and the steps of its tutorial, run on the simulator to their ends."""

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.azure.vault_secret import FIRST_KEY
from local.ports import HOST
from tests.support import packages
from tests.support.face_calls import JPEG, Answer, FaceCalls
from tests.support.tutorial import LIVENESS, WITH_VERIFY, AppServer

NPM_CLIENT = Path(__file__).parents[1] / "face_client"
OPTIONS = {
    "livenessOperationMode": "PassiveActive",
    "deviceCorrelationId": "723d6d03-ef33-40a8-9682-23a1feb7bccd",
    "enableSessionImage": True,
}


@pytest.fixture
def app_server(face: FaceCalls) -> AppServer:
    endpoint = f"http://{HOST}:{face.ports.face}"
    return AppServer(http=face.http, endpoint=endpoint, key=FIRST_KEY)


async def play(face: FaceCalls, session: dict[str, Any], outcome: str, **told: object) -> Answer:
    created = Answer(status=200, headers={}, body=session)
    return await face.play(created, outcome, **told)


async def test_the_npm_client_reads_a_picture_and_detects_from_it(face: FaceCalls) -> None:
    question = {"endpoint": f"http://{HOST}:{face.ports.face}", "key": FIRST_KEY}
    await asyncio.to_thread(packages.install, NPM_CLIENT)

    seen = await asyncio.to_thread(packages.run, NPM_CLIENT, "session_image.js", question)

    reported, judged = seen["digests"]
    (one,) = seen["faces"]
    assert (reported, seen["decision"]) == (judged, "realface")
    assert seen["disposition"].startswith(f"attachment; filename={seen['imageId']}.jpg;")
    assert seen["sessionId"].encode() in base64.b64decode(seen["image"])
    assert set(one["faceAttributes"]) == {"headPose", "mask", "qualityForRecognition"}
    assert (seen["deleted"], seen["afterwards"]) == ("204", ["404", "SessionNotFound"])


async def test_the_tutorial_comes_to_its_end(face: FaceCalls, app_server: AppServer) -> None:
    session = await app_server.create_session(OPTIONS)
    await play(face, session, "error:FaceWithMaskDetected")
    await play(face, session, "realface")

    latest = await app_server.get_latest_attempt(LIVENESS, session["sessionId"])
    image_id = latest["result"]["sessionImageId"]
    image = await app_server.download_image(image_id)
    (one,) = await app_server.analyze_image(image_id, "glasses,occlusion")
    await app_server.delete_session(LIVENESS, session["sessionId"])

    assert (latest["attemptId"], latest["result"]["livenessDecision"]) == (2, "realface")
    assert f"session {session['sessionId']} attempt 2".encode() in image
    assert set(one) == {"faceRectangle", "faceAttributes"}
    for gone in (
        app_server.get_latest_attempt(LIVENESS, session["sessionId"]),
        app_server.download_image(image_id),
        app_server.analyze_image(image_id, "glasses"),
    ):
        with pytest.raises(aiohttp.ClientResponseError, match="404"):
            await gone


async def test_the_tutorials_check_with_verification_comes_to_its_end(
    face: FaceCalls, app_server: AppServer
) -> None:
    options = OPTIONS | {"returnVerifyImageHash": True}
    session = await app_server.create_session_with_verify(options, JPEG)
    await play(face, session, "realface", isIdentical=False)

    latest = await app_server.get_latest_attempt(WITH_VERIFY, session["sessionId"])
    result = latest["result"]
    image = await app_server.download_image(result["sessionImageId"])
    await app_server.delete_session(WITH_VERIFY, session["sessionId"])

    (reference,) = session["results"]["verifyReferences"]
    assert reference["qualityForRecognition"] == "high"
    assert result["verifyResult"] == {"matchConfidence": 0.12141934, "isIdentical": False}
    assert result["verifyImageHash"] == hashlib.sha256(JPEG).hexdigest().upper()
    assert image.startswith(b"\xff\xd8\xff")
