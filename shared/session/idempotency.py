"""One session for one Idempotency-Key, however often its create is repeated.

https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

import json
import re
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from shared.errors import InvalidRequestError
from shared.secret import Secret
from shared.session.ids import SessionId
from shared.session.shard import KeyHash
from shared.session.start_request import StartRequest

LIFETIME = timedelta(hours=24)
_HEADER = "Idempotency-Key"
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{16,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """What an idempotency key stands for: one request of one person, and the session it got."""

    key_hash: KeyHash = field(repr=False)
    request_hash: str = field(repr=False)
    session_id: SessionId
    ends_at: datetime
    version: str = field(default="", repr=False)

    def is_over(self, now: datetime) -> bool:
        """Tell whether the key may be used anew."""
        return now >= self.ends_at


def check_key(key: str | None, request: StartRequest) -> Secret | None:
    """Return the header as it is usable for a request, or refuse it."""
    if key is None:
        return None
    # It opens the sealed answer, so it must be hard to guess.
    if not _VISIBLE_ASCII.fullmatch(key):
        message = f"{_HEADER} must be 16 to 255 visible ASCII characters"
        raise InvalidRequestError(message, target=_HEADER)
    if request.person is None:
        message = f"{_HEADER} needs a userCorrelationId or a deviceCorrelationId"
        raise InvalidRequestError(message, target=_HEADER)
    return Secret(key)


def describe_request(request: StartRequest) -> str:
    """Return a text that two requests share only if they ask for the same, field by field."""
    # An image has its hash beside it.
    names = (one.name for one in fields(request) if one.name != "verify_image")
    return json.dumps({name: getattr(request, name) for name in names})
