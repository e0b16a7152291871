"""What the story needs from outside, on one page."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, Unpack

from shared.session.alarm import Alarm
from shared.session.face_answer import FaceAnswer, FaceSession
from shared.session.idempotency import Claim, KeyHash
from shared.session.ids import FaceSessionId, SessionId
from shared.session.session import Kind, Session
from shared.session.shard import PersonHash, Shard
from shared.session.start_request import StartRequest
from shared.telemetry import LogFields


class FaceGateway(Protocol):
    """Azure AI Face. Every method may raise FaceUnavailable, FaceRefused or KeyUnavailable."""

    async def create(self, request: StartRequest) -> FaceSession:
        """Create a session; InvalidRequestError when Face blames the caller."""
        ...

    async def get(self, kind: Kind, face_session_id: FaceSessionId) -> FaceAnswer | None:
        """Look a session up; None when Face knows no such session."""
        ...

    async def delete(
        self, kind: Kind, face_session_id: FaceSessionId, *, patient: bool = True
    ) -> None:
        """Delete a session; one that is not there is deleted. Impatient is one try."""
        ...


class LogEvent(Protocol):
    """Where operators read what happened."""

    def __call__(self, event: str, /, *, level: int = ..., **fields: Unpack[LogFields]) -> None:
        """Log one event."""
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

    async def load(self, session_id: SessionId) -> Session | None:
        """Read a session."""
        ...

    async def replace(self, before: Session, after: Session) -> Session:
        """Change a session, return it as it stands; StoreConflict when `before` is outdated."""
        ...

    async def purge(self, session: Session) -> None:
        """Remove a session and its alarm; StoreConflict when it is no longer as it was read."""
        ...

    def list_due(self, shard: Shard, now: datetime) -> AsyncIterator[Alarm]:
        """List a shard's alarms that are due."""
        ...

    async def adopt_alarm(self, session: Session, alarm: Alarm) -> Session:
        """Make an orphaned alarm the session's one; StoreConflict when it has its own already."""
        ...

    async def postpone_unreadable(self, alarm: Alarm, now: datetime) -> None:
        """Move on an alarm whose row cannot be read, or remove one that has no row."""
        ...

    async def count_open_sessions(self, shard: Shard, person: PersonHash) -> int:
        """Count a person's open sessions."""
        ...

    async def load_claim(self, shard: Shard, key_hash: KeyHash) -> Claim | None:
        """Read an idempotency key."""
        ...

    async def drop_claim(self, claim: Claim) -> None:
        """Remove an idempotency key and its alarm; StoreConflict when it is no longer as read."""
        ...

    async def end_claim(self, alarm: Alarm) -> None:
        """Remove the idempotency key whose alarm is due."""
        ...


class ImageStore(Protocol):
    """Pictures, one for each session. Every method may raise StoreUnavailable."""

    async def insert(self, session_id: SessionId, image: bytes) -> None:
        """Keep a session's picture; where there is one already, that one stays."""
        ...

    async def load(self, session_id: SessionId) -> bytes | None:
        """Read a picture whole."""
        ...

    async def delete(self, session_id: SessionId) -> None:
        """Remove a picture; one that is not there is removed."""
        ...
