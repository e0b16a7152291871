"""The app on fakes, and requests as the platform hands them over."""

from dataclasses import dataclass, replace

import azure.functions as func
import msgspec

from shared import composition, settings
from shared.api.responses import Reply
from shared.composition import App
from tests.support.builders import SESSION_ID, TOKEN
from tests.support.fakes import Clock, FakeFace, RecordedEvents, SequentialBytes
from tests.support.memory_table import StoreInMemory

URL = "https://app.test/api/sessions"
SETTINGS = settings.from_environment(
    {
        "SWEEP_SCHEDULE": "0 * * * * *",
        "FACE_ENDPOINT": "https://face.test",
        "KEY_VAULT_URL": "https://vault.test",
        "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==",
    }
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The app, and what it runs on."""

    app: App
    face: FakeFace
    store: StoreInMemory
    clock: Clock


def a_desk() -> Desk:
    face, store, clock = FakeFace(), StoreInMemory(), Clock()
    app = composition.build(SETTINGS, face=face, store=store, now=clock, log=RecordedEvents())
    start = replace(app.start, random_bytes=SequentialBytes())
    return Desk(app=replace(app, start=start), face=face, store=store, clock=clock)


def a_create(body: bytes = b"", **headers: str) -> func.HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest(method="POST", url=URL, headers=named, body=body)


def a_call(
    body: bytes = b"", *, session_id: str = SESSION_ID, token: str | None = TOKEN.reveal()
) -> func.HttpRequest:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["X-Session-Token"] = token
    return func.HttpRequest(
        method="POST",
        url=f"{URL}/{SESSION_ID}",
        headers=headers,
        route_params={"session_id": session_id},
        body=body,
    )


def body_of(reply: Reply) -> dict[str, object]:
    """Read a reply's body as its caller will."""
    body: dict[str, object] = msgspec.json.decode(msgspec.json.encode(reply.body))
    return body
