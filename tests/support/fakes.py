"""What the app needs from outside, in memory; tests/support/faults.py lets it fail."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.errors import StoreConflictError, TooManySessionsError
from shared.secret import Secret
from shared.session.alarm import Alarm
from shared.session.face_answer import FaceAnswer, FaceSession, ReferenceImage
from shared.session.idempotency import Claim
from shared.session.session import Kind, Session, shard_of
from shared.session.start_request import StartRequest
from shared.store import claim_rows, session_rows
from tests.support.builders import NOW, a_running_answer

type Trouble = Exception | Callable[[], None]


@dataclass
class Clock:
    """A clock that only a test turns."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class SequentialBytes:
    """Random bytes that never repeat and never surprise."""

    drawn: int = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "little")


@dataclass
class RecordedEvents:
    """Telemetry that remembers."""

    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, /, **facts: object) -> None:
        self.facts.append((event, facts))

    def named(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.facts if name == event]


@dataclass
class FakeFace:
    """Face, with one answer for everybody who has none of his own; what is deleted is gone."""

    answer: FaceAnswer | None = field(default_factory=a_running_answer)
    answers: dict[str, FaceAnswer] = field(default_factory=dict)
    reference_image: ReferenceImage | None = field(
        default_factory=lambda: ReferenceImage(quality="high", face_rectangle=None)
    )
    fails: dict[str, Trouble] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    created: list[StartRequest] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    @property
    def alive(self) -> set[str]:
        """The sessions that were created here and not deleted since."""
        return {f"face-{number + 1}" for number in range(len(self.created))} - set(self.deleted)

    async def create(self, request: StartRequest) -> FaceSession:
        await self._enter("create")
        self.created.append(request)
        number = len(self.created)
        return FaceSession(
            face_session_id=f"face-{number}",
            auth_token=Secret(f"face-auth-token-{number}"),
            reference_image=self.reference_image if request.verify_image else None,
        )

    async def get(self, kind: Kind, face_session_id: str) -> FaceAnswer | None:  # noqa: ARG002
        await self._enter("get")
        if face_session_id in self.deleted:
            return None
        return self.answers.get(face_session_id, self.answer)

    async def delete(
        self,
        kind: Kind,  # noqa: ARG002
        face_session_id: str,
        *,
        patient: bool = True,  # noqa: ARG002
    ) -> None:
        await self._enter("delete")
        self.deleted.append(face_session_id)

    async def _enter(self, operation: str) -> None:
        self.calls.append(operation)
        # What happens at the same moment comes in between here.
        await asyncio.sleep(0)
        trouble = self.fails.get(operation)
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            trouble()


@dataclass
class MemoryStore:
    """A store with versions and conflicts; `before` and `after` hold what goes wrong, in order."""

    rows: dict[str, Session] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    before: dict[str, deque[Trouble]] = field(default_factory=dict)
    after: dict[str, deque[Exception]] = field(default_factory=dict)
    unreadable_shards: dict[str, Exception] = field(default_factory=dict)
    strays: set[tuple[str, str]] = field(default_factory=set)
    times_set_aside: Counter[str] = field(default_factory=Counter)
    writes: int = 0

    def hold(self, *sessions: Session) -> None:
        for session in sessions:
            self.rows[session.session_id] = self._versioned(session)

    def fail_next(self, operation: str, *troubles: Trouble) -> None:
        """Let the next calls fail, or have something else happen just before they work."""
        self.before.setdefault(operation, deque()).extend(troubles)

    def drop_responses(self, operation: str, *errors: Exception) -> None:
        """Let the next calls work, though their callers learn otherwise."""
        self.after.setdefault(operation, deque()).extend(errors)

    async def insert(
        self, session: Session, claim: Claim | None, *, max_open_sessions: int
    ) -> None:
        await self._enter("insert")
        person = self._person(session)
        if person and 0 < max_open_sessions <= self.counts.get(person, 0):
            raise TooManySessionsError("too many")
        if session.session_id in self.rows or (claim and _place(claim) in self.claims):
            raise StoreConflictError("there already")
        self.rows[session.session_id] = self._versioned(session)
        if person:
            self.counts[person] = self.counts.get(person, 0) + 1
        if claim:
            self.claims[_place(claim)] = replace(claim, version=f"claim-{self.writes}")
        self._leave("insert")

    async def load(self, session_id: str) -> Session | None:
        await self._enter("load")
        return self.rows.get(session_id)

    async def replace(self, before: Session, after: Session) -> Session:
        await self._enter("replace")
        self._must_be_current(before)
        self.rows[after.session_id] = self._versioned(after)
        person = self._person(after)
        if person in self.counts and after.is_final and not before.is_final:
            self.counts[person] -= 1
            if not self.counts[person]:
                del self.counts[person]
        self._leave("replace")
        return self.rows[after.session_id]

    async def purge(self, session: Session) -> None:
        await self._enter("purge")
        self._must_be_current(session)
        del self.rows[session.session_id]

    async def open_sessions(self, shard: str, person: str) -> int:
        await self._enter("open_sessions")
        return self.counts.get((shard, person), 0)

    async def load_claim(self, shard: str, key_hash: str) -> Claim | None:
        await self._enter("load_claim")
        return self.claims.get((shard, key_hash))

    async def drop_claim(self, claim: Claim) -> None:
        await self._enter("drop_claim")
        known = self.claims.get(_place(claim))
        if known is None or known.version != claim.version:
            raise StoreConflictError("changed since")
        del self.claims[_place(claim)]

    async def end_claim(self, alarm: Alarm) -> None:
        await self._enter("end_claim")
        for place, claim in self.claims.items():
            if (place[0], claim_rows.claim_alarm_key(claim)) == (alarm.shard, alarm.row_key):
                del self.claims[place]
                return
        raise StoreConflictError("gone")

    async def adopt_alarm(self, session: Session, alarm: Alarm) -> Session:  # noqa: ARG002
        # Here each session has its own alarm at every moment: another can only be a stray.
        await self._enter("adopt_alarm")
        self.strays.discard((alarm.shard, alarm.row_key))
        raise StoreConflictError("the session has its own alarm")

    async def postpone_unreadable(self, alarm: Alarm, now: datetime) -> None:
        await self._enter("postpone_unreadable")
        if (alarm.shard, alarm.row_key) in self.strays:
            self.strays.remove((alarm.shard, alarm.row_key))
            return
        session = self.rows.get(alarm.session_id or "")
        if session is None or session_rows.alarm_key(session) != alarm.row_key:
            raise StoreConflictError("gone")
        delays = self.times_set_aside[session.session_id]
        moved = session_rows.moved_alarm(alarm, delays, now)
        alarm_at = datetime.fromisoformat(session_rows.alarm_time(moved))
        self.hold(replace(session, alarm_at=alarm_at))
        self.times_set_aside[session.session_id] += 1

    async def due(self, shard: str, now: datetime) -> AsyncIterator[Alarm]:
        if shard in self.unreadable_shards:
            raise self.unreadable_shards[shard]
        first, last = session_rows.due_range(now)
        for key in sorted(self._alarm_keys(shard)):
            if first <= key < last:
                yield session_rows.alarm_from_key(shard, key)

    def _alarm_keys(self, shard: str) -> list[str]:
        sessions = [row for row in self.rows.values() if shard_of(row.session_id) == shard]
        claims = [claim for claim in self.claims.values() if claim.shard == shard]
        return [
            *map(session_rows.alarm_key, sessions),
            *map(claim_rows.claim_alarm_key, claims),
            *(key for place, key in self.strays if place == shard),
        ]

    async def _enter(self, operation: str) -> None:
        # What happens at the same moment comes in between here.
        await asyncio.sleep(0)
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

    def _person(self, session: Session) -> tuple[str, str] | None:
        person = session.person_sha256
        return (shard_of(session.session_id), person) if person else None

    def _versioned(self, session: Session) -> Session:
        self.writes += 1
        return replace(session, version=str(self.writes))


def _place(claim: Claim) -> tuple[str, str]:
    return claim.shard, claim.key_hash
