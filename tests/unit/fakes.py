"""Stand-ins for what the story needs from outside: in memory, and scripted where a test says so."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.errors import StoreConflictError
from shared.face_terms import FaceAnswer, FaceSession, ReferenceImage
from shared.ports import Alarm
from shared.secret import Secret
from shared.sessions import Kind, Session, shard_of
from shared.start_request import StartRequest
from tests.unit.builders import NOW, a_running_answer


@dataclass
class Clock:
    """A clock that only a test turns."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class Notes:
    """Telemetry that remembers."""

    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, /, **facts: object) -> None:
        self.facts.append((event, facts))

    def named(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.facts if name == event]


@dataclass
class FakeFace:
    """Face, with one answer for everybody, and the errors that a test has laid in wait."""

    answer: FaceAnswer | None = field(default_factory=a_running_answer)
    fails: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    created: list[StartRequest] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    async def create(self, request: StartRequest) -> FaceSession:
        self._enter("create")
        self.created.append(request)
        return FaceSession(
            face_session_id=f"face-{len(self.created)}",
            auth_token=Secret("face-auth-token"),
            reference_image=ReferenceImage(quality="high", face_rectangle=None),
        )

    async def get(self, kind: Kind, face_session_id: str) -> FaceAnswer | None:  # noqa: ARG002
        self._enter("get")
        return self.answer

    async def delete(self, kind: Kind, face_session_id: str) -> None:  # noqa: ARG002
        self._enter("delete")
        self.deleted.append(face_session_id)

    def _enter(self, operation: str) -> None:
        self.calls.append(operation)
        if operation in self.fails:
            raise self.fails[operation]


@dataclass
class MemoryStore:
    """A store with versions and conflicts; `before` and `after` hold what goes wrong, in order."""

    rows: dict[str, Session] = field(default_factory=dict)
    before: dict[str, deque[Exception | Callable[[], None]]] = field(default_factory=dict)
    after: dict[str, deque[Exception]] = field(default_factory=dict)
    unreadable_shards: dict[str, Exception] = field(default_factory=dict)
    writes: int = 0

    def hold(self, *sessions: Session) -> None:
        for session in sessions:
            self.rows[session.session_id] = self._versioned(session)

    def trip(self, operation: str, *troubles: Exception | Callable[[], None]) -> None:
        """Let the next calls fail, or have something else happen just before they work."""
        self.before.setdefault(operation, deque()).extend(troubles)

    def lose_answers(self, operation: str, *errors: Exception) -> None:
        """Let the next calls work, though their callers learn otherwise."""
        self.after.setdefault(operation, deque()).extend(errors)

    async def insert(self, session: Session) -> None:
        self._enter("insert")
        if session.session_id in self.rows:
            raise StoreConflictError("there already")
        self.rows[session.session_id] = self._versioned(session)
        self._leave("insert")

    async def load(self, session_id: str) -> Session | None:
        self._enter("load")
        return self.rows.get(session_id)

    async def replace(self, before: Session, after: Session) -> Session:
        self._enter("replace")
        self._must_be_current(before)
        self.rows[after.session_id] = self._versioned(after)
        self._leave("replace")
        return self.rows[after.session_id]

    async def purge(self, session: Session) -> None:
        self._enter("purge")
        self._must_be_current(session)
        del self.rows[session.session_id]

    async def due(self, shard: str, now: datetime) -> AsyncIterator[Alarm]:
        if shard in self.unreadable_shards:
            raise self.unreadable_shards[shard]
        for session in sorted(self.rows.values(), key=lambda row: row.alarm_at):
            if shard_of(session.session_id) == shard and session.alarm_at <= now:
                yield Alarm(session_id=session.session_id, row_key="")

    def _enter(self, operation: str) -> None:
        troubles = self.before.get(operation)
        trouble = troubles.popleft() if troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            trouble()

    def _leave(self, operation: str) -> None:
        if self.after.get(operation):
            raise self.after[operation].popleft()

    def _must_be_current(self, session: Session) -> None:
        known = self.rows.get(session.session_id)
        if known is None or known.version != session.version:
            raise StoreConflictError("changed since")

    def _versioned(self, session: Session) -> Session:
        self.writes += 1
        return replace(session, version=str(self.writes))
