"""What the story needs from outside, on one page."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from shared.session.alarm import Alarm
from shared.session.face_answer import FaceAnswer, FaceSession
from shared.session.idempotency import Claim, KeyHash
from shared.session.session import FaceSessionId, Kind, PersonHash, Session, SessionId, Shard
from shared.session.start_request import StartRequest


class FaceGateway(Protocol):
    """Azure AI Face. Every method may raise FaceUnavailable, FaceRefused or KeyUnavailable."""

    async def create(self, request: StartRequest) -> FaceSession:
        """Open a session; InvalidRequestError when Face blames the caller."""
        ...

    async def get(self, kind: Kind, face_session_id: FaceSessionId) -> FaceAnswer | None:
        """Look a session up; None when Face knows none."""
        ...

    async def delete(
        self, kind: Kind, face_session_id: FaceSessionId, *, patient: bool = True
    ) -> None:
        """Forget a session; one that is not there is forgotten. Impatient is one try."""
        ...


class LogEvent(Protocol):
    """Where facts go that operators may read."""

    def __call__(self, event: str, /, *, level: int = ..., **fields: object) -> None:
        """Record that something happened."""
        ...


class SessionStore(Protocol):
    """Sessions, each with its one alarm. Every method may raise StoreUnavailable."""

    async def insert(
        self, session: Session, claim: Claim | None, *, max_open_sessions: int
    ) -> None:
        """Record a new session, with its idempotency key; StoreConflict when either is there.

        TooManySessions when its person has that many open ones already; 0 means any number.
        """
        ...

    async def open_sessions(self, shard: Shard, person: PersonHash) -> int:
        """Count a person's open sessions."""
        ...

    async def load_claim(self, shard: Shard, key_hash: KeyHash) -> Claim | None:
        """Read an idempotency key."""
        ...

    async def drop_claim(self, claim: Claim) -> None:
        """Remove an idempotency key and its alarm; StoreConflict when it is no longer as read."""
        ...

    async def postpone_unreadable(self, alarm: Alarm, now: datetime) -> None:
        """Move on an alarm whose row cannot be read, or remove one that has no row."""
        ...

    async def adopt_alarm(self, session: Session, alarm: Alarm) -> Session:
        """Make a stray alarm the session's one; StoreConflict when it has its own already."""
        ...

    async def end_claim(self, alarm: Alarm) -> None:
        """Remove the idempotency key whose alarm rang."""
        ...

    async def load(self, session_id: SessionId) -> Session | None:
        """Read a session."""
        ...

    async def replace(self, before: Session, after: Session) -> Session:
        """Change a session, return it as it stands; StoreConflict when `before` is outdated."""
        ...

    async def purge(self, session: Session) -> None:
        """Remove a session and its alarm; StoreConflict when it is no longer as it was read."""
        ...

    def due(self, shard: Shard, now: datetime) -> AsyncIterator[Alarm]:
        """List the alarms of a shard that have rung."""
        ...
