"""A session's two ids: ours, which begins with its shard, and Face's; and that of its picture."""

import re
from collections.abc import Callable
from typing import NewType, TypeGuard

from shared.session.shard import PersonHash, Shard, shard_of_person

SessionId = NewType("SessionId", str)
FaceSessionId = NewType("FaceSessionId", str)
SessionImageId = NewType("SessionImageId", str)
type RandomBytes = Callable[[int], bytes]

# As good as any other to look up, and nobody's.
NO_SESSION_ID = SessionId("0" * 33)
_SESSION_ID = re.compile(r"[0-9a-f]{33}", re.ASCII)


def is_session_id(text: str) -> TypeGuard[SessionId]:
    """Tell whether a text has the one shape our ids have."""
    return _SESSION_ID.fullmatch(text) is not None


def new_session_id(person: PersonHash | None, random_bytes: RandomBytes) -> SessionId:
    """Make an id of at least 128 random bits, in its person's shard, or else in any."""
    if person is None:
        return SessionId(random_bytes(17).hex()[:33])
    return SessionId(shard_of_person(person) + random_bytes(16).hex())


def shard_of(session_id: SessionId) -> Shard:
    """Name the shard that a session's rows live in."""
    return Shard(session_id[0])
