"""The page's server plays your server: it has the key, and the browser learns only what it may."""

import json
import re
from pathlib import Path

import aiohttp
import pytest

from local.functions_host.keys import HostKeys
from shared.session.session import Outcome, Reason, Status
from tests.support.constants import FUNCTION_KEY
from tests.support.world import Json, World, eventually, picture

POLICY = "Content-Security-Policy"
STATIC = Path(__file__).parents[2] / "local" / "web" / "static"


def url(world: World, path: str) -> str:
    return f"http://127.0.0.1:{world.stack.ports.page}{path}"


async def start(world: World, image: bytes | None = None) -> Json:
    form = aiohttp.FormData()
    form.add_field("unused", "")
    if image:
        form.add_field("verifyImage", image, filename="me.jpg", content_type="image/jpeg")
    async with world.http.post(url(world, "/server/start"), data=form) as answer:
        assert answer.status == 201
        return await answer.json()


async def read(world: World, path: str) -> Json:
    async with world.http.get(url(world, path)) as answer:
        return await answer.json()


async def act(world: World, name: str) -> int:
    async with world.http.post(url(world, f"/server/controls/{name}")) as answer:
        return answer.status


async def test_browser_is_told_its_tokens_and_no_key_ever(world: World) -> None:
    started = await start(world)

    assert set(started) == {
        "sessionId", "sessionToken", "authToken", "kind", "expiresInSeconds", "appUrl",
    }  # fmt: skip
    assert started["appUrl"] == world.url.removesuffix("/api")
    keys = {HostKeys().master, *HostKeys().host, FUNCTION_KEY["x-functions-key"]}
    sent = json.dumps(started) + "".join(
        path.read_text(encoding="utf-8") for path in STATIC.rglob("*.*")
    )
    assert not [key for key in keys if key in sent]


async def test_picture_makes_it_a_check_with_verify_and_the_result_waits_for_its_end(
    world: World,
) -> None:
    started = await start(world, picture())
    path = f"/server/result/{started['sessionId']}"
    before = await read(world, path)
    bearer = {"Authorization": f"Bearer {started['authToken']}"}
    await world.face("attempts", {"outcome": "realface", "isIdentical": False}, headers=bearer)
    token = {"X-Session-Token": started["sessionToken"]}
    await world.call("POST", f"/sessions/{started['sessionId']}/complete", headers=token)
    after = await read(world, path)

    assert started["kind"] == "livenessWithVerify"
    assert (before["status"], before["body"]["error"]["code"]) == (409, "SessionNotFinal")
    assert (after["status"], after["body"]["reasons"]) == (200, ["DifferentPerson"])
    assert await read(world, f"/server/events/{started['sessionId']}") == []


async def test_wish_to_keep_the_picture_is_passed_on_and_refused_where_none_are_kept(
    world: World,
) -> None:
    form = aiohttp.FormData({"enableSessionImage": "true"})
    async with world.http.post(url(world, "/server/start"), data=form) as answer:
        status, body = answer.status, await answer.json()

    assert (status, body["error"]["target"]) == (400, "enableSessionImage")


async def test_refused_create_is_passed_on_as_the_app_said_it(world: World) -> None:
    form = aiohttp.FormData()
    form.add_field("verifyImage", b"tiny", filename="me.jpg", content_type="image/jpeg")
    async with world.http.post(url(world, "/server/start"), data=form) as answer:
        status, body = answer.status, await answer.json()

    assert (status, body["error"]["code"]) == (400, "InvalidImageSize")


async def test_walking_away_ends_a_check_and_a_rotated_key_or_an_absent_face_does_not(
    world: World,
) -> None:
    path = f"/server/result/{(await start(world))['sessionId']}"

    assert await act(world, "rotate-key") == 204
    assert await act(world, "take-face-away") == 204
    assert await act(world, "bring-face-back") == 204
    assert await act(world, "expire-token") == 204
    assert (await read(world, path))["status"] == 409
    assert await act(world, "walk-away") == 204

    async def status() -> object:
        return (await read(world, path))["body"].get("status")

    await eventually(status, "abandoned")


async def test_another_site_can_use_neither_your_server_nor_the_buttons(world: World) -> None:
    for path in ("/server/start", "/server/controls/sweep"):
        foreign = {"Origin": "https://elsewhere.example"}
        async with world.http.post(url(world, path), headers=foreign) as refused:
            assert refused.status == 403


async def test_files_come_with_a_policy_and_the_stand_in_for_the_sdk_to_any_origin(
    world: World,
) -> None:
    for path in ("/", "/azure-ai-vision-face-ui.js", "/page/page.js", "/client/index.js"):
        async with world.http.get(url(world, path)) as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with world.http.get(url(world, "/server/result/x")) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("word", sorted({*Reason, *Outcome, Status.ABANDONED, Status.CANCELED}))
def test_every_ending_and_every_reason_has_words_on_the_page(word: str) -> None:
    text = (STATIC / "verdicts.js").read_text(encoding="utf-8")

    assert re.search(rf"(?m)^  {word}: ", text)


async def test_reference_says_how_to_install_it_or_loads_only_what_lies_here(world: World) -> None:
    async with world.http.get(url(world, "/api-reference")) as answer:
        status, text, policy = answer.status, await answer.text(), answer.headers[POLICY]
    async with world.http.get(url(world, "/api-reference/openapi.json")) as answer:
        document = await answer.text()

    assert (status, "make reference" in text) in {(200, False), (503, True)}
    assert re.findall(r"https?://", text + policy) == []
    assert json.loads(document)["openapi"] == "3.1.0"
