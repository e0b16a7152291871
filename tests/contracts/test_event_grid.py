"""Microsoft's own client, unmodified, takes our topic for real, and so does the app's."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential

from local.azure.access_tokens import TokenIssuer
from local.azure.certificate import TRUSTED, Certificate, trust_in_this_process
from local.clock import real_now
from local.events import topic
from local.ports import HOST, Ports
from local.stack.simulator_server import serve
from shared.errors import EventsUnavailableError
from shared.events import cloud_event
from shared.events.event_grid import EventGridTopic
from shared.session.session import Outcome, Reason, Status, Verdict
from tests.support.builders import NOW, a_session
from tests.support.environment import identity_at
from tests.support.face_calls import FaceCalls
from tests.support.fakes import Clock

SOURCE = "/face-liveness/test"
VERDICT = Verdict(outcome=Outcome.REJECTED, reasons=(Reason.SPOOF,))
SESSION = a_session(status=Status.COMPLETED, ended_at=NOW, verdict=VERDICT)
EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T"}
BATCH = "application/cloudevents-batch+json; charset=utf-8"


def url_of(ports: Ports) -> str:
    return f"https://{HOST}:{ports.topic}{topic.PATH}"


@pytest.fixture
async def identity(face: FaceCalls, tmp_path: Path) -> AsyncIterator[ManagedIdentityCredential]:
    trust_in_this_process(tmp_path / TRUSTED)
    async with identity_at(face.ports), ManagedIdentityCredential() as credential:
        yield credential


@pytest.fixture
async def sdk(
    face: FaceCalls, identity: ManagedIdentityCredential
) -> AsyncIterator[EventGridPublisherClient]:
    async with EventGridPublisherClient(url_of(face.ports), identity, retry_total=0) as client:
        yield client


def an_app(
    url: str,
    identity: ManagedIdentityCredential,
    *,
    timeout_seconds: float = 30,
    clock: Clock | None = None,
) -> EventGridTopic:
    return EventGridTopic(
        url,
        identity,
        environment_name="test",
        timeout_seconds=timeout_seconds,
        now=clock or Clock(),
    )


@pytest.fixture
async def app(
    face: FaceCalls, identity: ManagedIdentityCredential
) -> AsyncIterator[EventGridTopic]:
    app = an_app(url_of(face.ports), identity)
    yield app
    await app.close()


async def events(face: FaceCalls) -> Any:  # noqa: ANN401 - JSON
    return (await face.call("GET", "/simulator/events")).body


async def test_events_of_the_sdk_are_listed_as_they_came_until_they_are_forgotten(
    face: FaceCalls, sdk: EventGridPublisherClient
) -> None:
    first, second = (
        CloudEvent("/s", "T", id=name, time=NOW, subject="x", data={"a": None}) for name in "12"
    )

    await sdk.send([first, second])
    await sdk.send(first)

    came = await events(face)
    assert [event["id"] for event in came] == ["1", "2", "1"]
    assert came[0] == EVENT | {
        "time": "2026-03-04T05:06:07.000Z",
        "subject": "x",
        "data": {"a": None},
    }
    assert (await face.call("DELETE", "/simulator/events")).status == 204
    assert await events(face) == []


async def test_the_topic_takes_no_other_schema(
    face: FaceCalls, sdk: EventGridPublisherClient
) -> None:
    event = EventGridEvent("x", "T", {}, "1.0")

    with pytest.raises(HttpResponseError) as refused:
        await sdk.send(event)

    assert refused.value.status_code == 400
    assert await events(face) == []


def a_token(tmp_path: Path, **claims: object) -> str:
    good = {"aud": topic.AUDIENCE, "exp": int((real_now() + timedelta(hours=1)).timestamp())}
    return TokenIssuer(tmp_path / "identity-key.pem").issue(good | claims)


async def post(  # noqa: PLR0913 - all that may be wrong
    face: FaceCalls,
    tmp_path: Path,
    *,
    token: str,
    query: str = "?api-version=2018-01-01",
    content_type: str = BATCH,
    body: object = (EVENT,),
) -> int:
    tls = ssl.create_default_context(cafile=str(tmp_path / TRUSTED))
    headers = {"Content-Type": content_type, "Authorization": token}
    url, data = url_of(face.ports) + query, json.dumps(body)
    async with face.http.post(url, headers=headers, data=data, ssl=tls) as answer:
        return answer.status


async def test_the_topic_opens_to_tokens_for_event_grid_of_our_own_identity_endpoint_only(
    face: FaceCalls, tmp_path: Path
) -> None:
    good = a_token(tmp_path)
    foreign = TokenIssuer(tmp_path / "another").issue({"aud": topic.AUDIENCE, "exp": 2**40})
    bad = {
        "none": "",
        "no bearer": f"Basic {good}",
        "foreign": f"Bearer {foreign}",
        "for the vault": f"Bearer {a_token(tmp_path, aud='https://vault.azure.net')}",
        "expired": f"Bearer {a_token(tmp_path, exp=1)}",
    }

    statuses = {name: await post(face, tmp_path, token=token) for name, token in bad.items()}

    assert statuses == dict.fromkeys(bad, 401)
    assert await post(face, tmp_path, token=f"Bearer {good}") == 200
    assert await events(face) == [EVENT]


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": ""},
        {"content_type": "application/json"},
        {"content_type": "application/cloudevents+json"},
        {"body": EVENT},
        {"body": [EVENT, {"id": "2"}]},
        {"body": [EVENT | {"specversion": "0.3"}]},
        {"body": [EVENT | {"id": ""}]},
        {"body": [EVENT | {"source": 1}]},
    ],
    ids=str,
)
async def test_a_batch_that_is_wrong_is_refused_whole(
    face: FaceCalls, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    assert await post(face, tmp_path, token=f"Bearer {a_token(tmp_path)}", **wrong) == 400
    assert await events(face) == []


async def test_what_the_app_tells_arrives_as_it_was_meant(
    face: FaceCalls, app: EventGridTopic
) -> None:
    await app.send_ending(SESSION)

    assert await events(face) == [cloud_event.ending_event(SOURCE, SESSION)]


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "302": ({"status": 302}, "HttpResponseError 302"),
    "400": ({"status": 400}, "HttpResponseError 400"),
    "401": ({"status": 401}, "ClientAuthenticationError 401"),
    "403": ({"status": 403}, "HttpResponseError 403"),
    "404": ({"status": 404}, "ResourceNotFoundError"),
    "409": ({"status": 409}, "ResourceExistsError 409"),
    "429": ({"status": 429, "retryAfterSeconds": 600}, "HttpResponseError 429"),
    "500": ({"status": 500}, "HttpResponseError 500"),
    "503": ({"status": 503}, "HttpResponseError 503"),
    "reset": ({"kind": "reset"}, "ServiceRequestError"),
    "truncated": ({"kind": "truncate"}, "IncompleteReadError"),
    "garbage": ({"kind": "garbage"}, "HttpResponseError 200"),
}


@pytest.mark.parametrize(("fault", "cause"), FAULTS.values(), ids=FAULTS)
async def test_a_failure_of_the_topic_is_EventsUnavailable_after_one_try(  # noqa: N802
    face: FaceCalls, app: EventGridTopic, fault: dict[str, object], cause: str
) -> None:
    await face.control("faults", operation="topic", times=1, **fault)

    with pytest.raises(EventsUnavailableError, match=f"^the topic took no event: {cause}( \\w+)?$"):
        await app.send_ending(SESSION)

    assert await events(face) == []
    await app.send_ending(SESSION)
    assert len(await events(face)) == 1


async def test_a_silent_topic_is_not_waited_for(
    face: FaceCalls, identity: ManagedIdentityCredential
) -> None:
    await identity.get_token(f"{topic.AUDIENCE}/.default")
    await face.control("faults", operation="topic", times=1, delayMs=600_000)
    app = an_app(url_of(face.ports), identity, timeout_seconds=0.2)

    with pytest.raises(EventsUnavailableError, match="Timeout"):
        await app.send_ending(SESSION)

    await app.close()


async def test_an_identity_that_gives_no_token_is_a_failure_of_the_topic(
    face: FaceCalls, app: EventGridTopic
) -> None:
    await face.control("faults", operation="identity", times=9, status=403)

    with pytest.raises(EventsUnavailableError, match="ClientAuthenticationError"):
        await app.send_ending(SESSION)


async def test_a_topic_that_took_none_of_five_events_is_left_alone_for_30_seconds(
    face: FaceCalls, identity: ManagedIdentityCredential
) -> None:
    clock = Clock()
    app = an_app(url_of(face.ports), identity, clock=clock)
    await face.control("faults", operation="topic", times=5, status=500)
    for _ in range(5):
        with pytest.raises(EventsUnavailableError, match="500"):
            await app.send_ending(SESSION)

    with pytest.raises(EventsUnavailableError, match="left alone"):
        await app.send_ending(SESSION)
    clock.advance(timedelta(seconds=30))
    await app.send_ending(SESSION)

    assert len(await events(face)) == 1
    await app.close()


async def test_whether_it_would_take_an_event_is_seen_without_one(
    face: FaceCalls, app: EventGridTopic
) -> None:
    await app.check()
    await face.control("faults", operation="topic", times=1, status=403)
    with pytest.raises(EventsUnavailableError, match="403"):
        await app.check()

    assert await events(face) == []


STRANGERS: dict[str, tuple[dict[str, Any], str]] = {
    "page to sign in": ({"text": "<html>", "content_type": "text/html"}, "HttpResponseError 200"),
    "JSON": ({"text": '{"a": 1}', "content_type": "application/json"}, "HttpResponseError 200"),
    "other success": ({"status": 202}, "HttpResponseError 202"),
    "redirect": (
        {"status": 307, "headers": {"Location": "https://elsewhere.test"}},
        "HttpResponseError 307",
    ),
}


@pytest.mark.parametrize(("answer", "cause"), STRANGERS.values(), ids=STRANGERS)
async def test_an_answer_that_event_grid_never_gives_is_no_yes_and_leads_nowhere(
    face: FaceCalls,
    identity: ManagedIdentityCredential,
    tmp_path: Path,
    answer: dict[str, Any],
    cause: str,
) -> None:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(**answer)

    stranger = web.Application()
    stranger.router.add_post(topic.PATH, say)
    app = an_app(f"https://{HOST}:{face.ports.host}{topic.PATH}", identity)

    async with serve(stranger, face.ports.host, Certificate(tmp_path).server_context()):
        with pytest.raises(EventsUnavailableError, match=cause):
            await app.send_ending(SESSION)
        await app.close()

    assert await events(face) == []


async def test_without_an_event_nothing_was_opened_and_nothing_is_to_close(
    identity: ManagedIdentityCredential,
) -> None:
    await an_app("https://nowhere.test/api/events", identity).close()
