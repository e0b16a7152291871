"""One session for one Idempotency-Key, however often its create is repeated.

https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

import hashlib
import json
import re
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import NewType

from shared.errors import IdempotencyKeyReusedError, InvalidRequestError
from shared.session.ids import SessionId, shard_of
from shared.session.session import Session
from shared.session.shard import Shard
from shared.session.start_request import StartRequest

KeyHash = NewType("KeyHash", str)

LIFETIME = timedelta(hours=24)
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a key stands for: one request of one person, and the session that it got."""

    shard: Shard
    key_hash: KeyHash = field(repr=False)
    request_hash: str = field(repr=False)
    session_id: SessionId
    ends_at: datetime
    version: str = field(default="", repr=False)


def check(key: str | None) -> str | None:
    """Return the header as it is usable, or refuse it."""
    if key is None or _VISIBLE_ASCII.fullmatch(key):
        return key
    raise InvalidRequestError(
        "Idempotency-Key must be 1 to 255 visible ASCII characters", target="Idempotency-Key"
    )


def hash_key(key: str, request: StartRequest) -> KeyHash:
    """Return what may be stored of a key; it belongs to its person, so others may use the same."""
    bound = f"{request.person_kind}\n{request.person}\n{key}"
    return KeyHash(hashlib.sha256(bound.encode()).hexdigest())


def claim(key_hash: KeyHash, request: StartRequest, session: Session) -> Claim:
    """Bind a key to the one request and session that it stands for."""
    return Claim(
        shard=shard_of(session.session_id),
        key_hash=key_hash,
        request_hash=hash_request(request),
        session_id=session.session_id,
        ends_at=session.created_at + LIFETIME,
    )


def check_same(known: Claim, request: StartRequest) -> None:
    """Refuse a key that stands for another request."""
    if known.request_hash != hash_request(request):
        raise IdempotencyKeyReusedError("the key was used for another request")


def hash_request(request: StartRequest) -> str:
    """Return a hash that two requests share only if they ask for the same, field by field."""
    asked = {one.name: _as_json(getattr(request, one.name)) for one in fields(request)}
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _as_json(value: object) -> object:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value
