"""R1, R5: recognizable secrets go in everywhere, and come out only where they belong."""

import base64
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from local import json_file
from tests.conftest import Configure
from tests.support.constants import FUNCTION_KEY, MASTER_KEY
from tests.support.world import Answer, Check, World, check_of, form

FACE_KEY = f"face-key-{secrets.token_hex(8)}"
DEVICE = f"device-{secrets.token_hex(8)}"
USER = f"user-{secrets.token_hex(8)}"
IDEMPOTENCY_KEY = f"idempotency-{secrets.token_hex(8)}"
REPORTED_DIGEST = secrets.token_hex(32)
IMAGE_MARK = f"image-{secrets.token_hex(8)}".encode()
IMAGE = b"\xff\xd8\xff\xe0" + IMAGE_MARK * 64
# By its dot and its case: three letters alone are somewhere in every few sealed rows, by chance.
A_TOKEN = re.compile(r"eyJ[\w-]{8,}\.eyJ")


@dataclass
class Seen:
    """Everything that left the app, by where it went."""

    logs: list[str] = field(default_factory=list)
    creates: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def places_of(self, secret: str) -> set[str]:
        """Name the places where a secret was seen, in clear text or in base64."""
        forms = {secret, base64.b64encode(secret.encode()).decode().rstrip("=")}
        return {
            place
            for place, texts in vars(self).items()
            if any(one.lower() in text.lower() for one in forms for text in texts)
        }

    def places_of_tokens(self) -> set[str]:
        """Name the places where a signed token was seen, whoever's it is."""
        return {place for place, texts in vars(self).items() if any(map(A_TOKEN.search, texts))}


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record))


@pytest.fixture
def seen() -> Iterator[Seen]:
    """Listen to every logger, as loud as it is set in production: the worker's root is at INFO."""
    seen, root = Seen(), logging.getLogger()
    ear, level = _Ear(seen.logs), root.level
    root.addHandler(ear)
    root.setLevel(logging.INFO)
    yield seen
    root.removeHandler(ear)
    root.setLevel(level)


async def test_secrets_are_found_only_where_they_belong(
    world: World, configure: Configure, seen: Seen
) -> None:
    await world.face("key", {"key": FACE_KEY})
    await configure(SESSION_IMAGE="always")

    checks = [*(await _successes(world, seen)), *(await _failures(world, seen))]
    await _look_into_storage(world, seen)

    assert len(seen.logs) > 30
    assert seen.places_of(FACE_KEY) == set()
    assert seen.places_of(_app_secret(world)) == set()
    assert seen.places_of(IMAGE_MARK.decode()) == set()
    assert seen.places_of(IDEMPOTENCY_KEY) == set()
    assert seen.places_of(FUNCTION_KEY["x-functions-key"]) == set()
    assert seen.places_of(MASTER_KEY["x-functions-key"]) == set()
    assert seen.places_of_tokens() == {"creates"}
    assert seen.places_of(REPORTED_DIGEST) == {"rows"}
    # What the simulator writes into each picture.
    assert seen.places_of(" attempt 1") == {"images"}
    assert seen.places_of(DEVICE) == seen.places_of(USER) == {"results"}
    for check in checks:
        assert seen.places_of(check.auth_token) == {"creates"}
        assert seen.places_of(check.session_token) == {"creates"}


def _app_secret(world: World) -> str:
    (version,) = json_file.read(world.stack.state / "app-secret.json")
    return str(version["value"])


async def _successes(world: World, seen: Seen) -> list[Check]:
    person = {"deviceCorrelationId": DEVICE, "userCorrelationId": USER}
    keyed = {**FUNCTION_KEY, "Idempotency-Key": IDEMPOTENCY_KEY}
    data = form(IMAGE, name=IMAGE_MARK.decode(), **person)
    creates = [
        await world.create(headers=keyed, json=person),
        await world.create(data=data),
        await world.call("POST", "/sessions?code=local-function-key", json=person),
    ]
    seen.creates += [_whole(answer) for answer in creates]
    checks = [check_of(answer) for answer in creates]
    swept, completed, canceled = checks
    digest = {"digest": REPORTED_DIGEST}
    await world.play(completed, "realface")
    await world.play(swept, "spoofface")
    seen.creates.append(_whole(await world.create(headers=keyed, json=person)))
    seen.replies += [
        _whole(await world.complete(canceled, {"error": {"livenessError": "TimedOut"}})),
        _whole(await world.complete(completed, digest)),
        _whole(await world.status(completed)),
        _whole(await world.cancel(canceled)),
    ]
    await world.wait(901)
    await world.sweep()
    seen.results += [_whole(await world.result(check)) for check in checks]
    path = f"/sessions/{completed.session_id}/image"
    seen.images.append(_whole(await world.call("GET", path, headers=FUNCTION_KEY)))
    return checks


async def _failures(world: World, seen: Seen) -> list[Check]:
    person = {"deviceCorrelationId": DEVICE}
    first = await world.create(json=person)
    seen.creates.append(_whole(first))
    check = check_of(first)
    stranger = {"X-Session-Token": check.session_token[::-1]}
    path = f"/sessions/{check.session_id}"
    for fault in ({"status": 500}, {"status": 403, "code": FACE_KEY[:16]}, {"kind": "garbage"}):
        await world.fail("any", times=4, **fault)
        seen.replies += [
            _whole(await world.create(json=person)),
            _whole(await world.create(data=form(IMAGE, **person))),
            _whole(await world.complete(check, {"digest": REPORTED_DIGEST})),
            _whole(await world.cancel(check)),
        ]
        await world.clear_faults()
    seen.replies += [
        _whole(await world.call("GET", path, headers=stranger)),
        _whole(await world.call("DELETE", path, headers=stranger)),
        _whole(await world.create(json={**person, "userCorrelationId": 1})),
        _whole(await world.create(data=form(IMAGE[:900], **person))),
        _whole(await world.create(headers={"x-functions-key": FACE_KEY}, json=person)),
    ]
    await world.sweep()
    return [check]


async def _look_into_storage(world: World, seen: Seen) -> None:
    seen.rows += [str(row) for row in await world.rows()]
    seen.messages += [str(message) for message in await world.queue.peek_messages(32)]


def _whole(answer: Answer) -> str:
    return f"{answer.status} {dict(answer.headers)} {answer.text}"
