"""What the story needs from outside, on one page."""

from datetime import datetime, timedelta
from typing import Protocol, Unpack

from shared.flow.erasure_ports import Erasures
from shared.secret import Secret
from shared.session.alarm import Alarm
from shared.session.erasure import Receipt
from shared.session.face_answer import FaceAnswer, FaceSession, NoImage
from shared.session.face_reply import FaceReply
from shared.session.ids import FaceSessionId, SessionId, SessionImageId
from shared.session.ledger import Entry, Ledger, Unlock
from shared.session.ledger_changes import Opening
from shared.session.session import Kind, Session
from shared.session.shard import KeyHash, PersonHash, Shard
from shared.session.start_request import StartRequest
from shared.telemetry import LogFields


class FaceGateway(Protocol):
    """Azure AI Face. Every method may raise FaceUnavailable, FaceRefused or KeyUnavailable."""

    async def create(self, request: StartRequest) -> FaceSession:
        """Create a session; InvalidRequestError when Face blames the caller."""
        ...

    async def await_turn(self, rank: float) -> None:
        """Wait to ask of a session: the lowest rank first, whatever else is asked afterwards."""
        ...

    async def get(self, kind: Kind, face_session_id: FaceSessionId) -> FaceReply[FaceAnswer | None]:
        """Look a session up; None when Face itself says that it knows no such session."""
        ...

    async def delete(self, kind: Kind, face_session_id: FaceSessionId) -> FaceReply[None]:
        """Delete a session; one that Face says it does not know is deleted."""
        ...

    async def get_image(self, image_id: SessionImageId) -> FaceReply[bytes | NoImage]:
        """Fetch the picture of a check, or learn why there will never be one."""
        ...

    async def detect(
        self, image_id: SessionImageId, attributes: tuple[str, ...]
    ) -> FaceReply[str | None]:
        """Ask what a picture shows: Face's array of faces as JSON; None if it never tells."""
        ...


class AppSecret(Protocol):
    """What the app's own keys are derived from."""

    async def get(self) -> Secret:
        """Return it; KeyUnavailable when there is none, or too short a one."""
        ...

    async def check(self) -> None:
        """Ask the vault for it, known or not; KeyUnavailable as above."""
        ...


class Sealer(Protocol):
    """Seals and hashes what is kept of a person, under keys that only this app has."""

    def hash_person(self, kind: str, person_id: str) -> PersonHash:
        """Return what stands for a person."""
        ...

    def hash_key(self, person: PersonHash, idempotency_key: Secret) -> KeyHash:
        """Return what may be stored of a person's key."""
        ...

    def hash_request(self, request: str) -> str:
        """Return what may be stored of a request."""
        ...

    def seal_id(self, text: str, *, session_id: SessionId) -> str:
        """Seal a correlation id of a session."""
        ...

    def open_id(self, sealed: str, *, session_id: SessionId) -> str:
        """Open a correlation id; UnreadableRecord if it is not this session's own."""
        ...

    def seal_answer(
        self, answer: bytes, idempotency_key: Secret, *, session_id: SessionId, request_hash: str
    ) -> str:
        """Seal an answer for whoever brings the same key with the same request."""
        ...

    def open_answer(
        self, sealed: str, idempotency_key: Secret, *, session_id: SessionId, request_hash: str
    ) -> bytes:
        """Open the answer; UnreadableRecord if key, session or request are not its own."""
        ...

    def seal_place(self, place: str, *, person: PersonHash) -> str:
        """Seal how far a list of a person's sessions has come."""
        ...

    def open_place(self, sealed: str, *, person: PersonHash) -> str:
        """Open a place; UnreadableRecord if it is not one in this person's list."""
        ...


class Seals(Protocol):
    """Where the sealer comes from."""

    async def get(self) -> Sealer:
        """Return it; KeyUnavailable without the app's secret."""
        ...


class MessageQueue(Protocol):
    """Where a session waits to be looked at again."""

    async def send(self, session_id: SessionId, *, delay: timedelta) -> None:
        """Name a session in a message that becomes visible later; may raise StoreUnavailable."""
        ...

    async def check(self) -> None:
        """See that it is there; may raise StoreUnavailable."""
        ...


class EventTopic(Protocol):
    """Who is told what has happened. Every method may raise EventsUnavailable."""

    async def send_ending(self, session: Session) -> None:
        """Tell how a session ended."""
        ...

    async def send_lock(self, session: Session, locked_until: datetime) -> None:
        """Tell that a session's failure has locked its person."""
        ...

    async def send_erasure(self, receipt: Receipt) -> None:
        """Tell that a person has been erased."""
        ...

    async def check(self) -> None:
        """See that it would take an event."""
        ...


class LogEvent(Protocol):
    """Where operators read what happened."""

    def __call__(self, event: str, /, *, level: int = ..., **fields: Unpack[LogFields]) -> None:
        """Log one event."""
        ...


class SessionStore(Protocol):
    """Sessions, each with its one alarm. Every method may raise StoreUnavailable."""

    @property
    def erasures(self) -> Erasures: ...  # noqa: D102 - in the same table

    async def insert(self, opening: Opening) -> None:
        """Record a new session in its person's ledger; StoreConflict when that has changed."""
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

    async def list_due(self, shard: Shard, now: datetime, *, limit: int) -> list[Alarm]:
        """List a shard's first alarms that are due, the oldest first."""
        ...

    async def adopt_alarm(self, session: Session, alarm: Alarm) -> Session:
        """Make an orphaned alarm the session's one; StoreConflict when it has its own already."""
        ...

    async def postpone_unreadable(self, alarm: Alarm, now: datetime, keep_for: timedelta) -> None:
        """Move on an alarm whose row cannot be read; remove both once that is so for too long."""
        ...

    async def load_ledger(self, person: PersonHash, now: datetime) -> Ledger:
        """Read all that a create must know of a person, in one request if it can."""
        ...

    async def list_sessions(
        self, person: PersonHash, *, after: str | None, limit: int
    ) -> list[tuple[str, Session]]:
        """List a person's sessions from a place on, the newest first, each with its place."""
        ...

    async def load_sealed_answer(self, session_id: SessionId) -> str | None:
        """Read the sealed answer to a session's create."""
        ...

    async def record_start(self, person: PersonHash, start: Entry) -> None:
        """Record a start that no session has come of."""
        ...

    async def record_unlock(self, person: PersonHash, unlock: Unlock) -> None:
        """Record that a person's failures until then are forgiven."""
        ...

    async def end_record(self, alarm: Alarm) -> None:
        """Remove what no session's purge removes, whose alarm is due; StoreConflict if it went."""
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
