"""What is known of persons, and what operators do for them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import InvalidRequestError, UnreadableRecordError
from shared.flow.ports import LogEvent, Sealer, Seals, SessionStore
from shared.session.ledger import Unlock
from shared.session.person import CorrelationIds, Person
from shared.session.session import Session
from shared.session.shard import PersonHash
from shared.session.verdict_check import check_verdict

_SESSIONS_PER_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some of a person's sessions, the newest first, and where to go on if there are more."""

    sessions: tuple[Session, ...]
    continuation: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """Opens what is sealed of a person, lists their sessions, and unlocks."""

    seals: Seals
    store: SessionStore
    now: Callable[[], datetime]
    log: LogEvent

    async def open_ids(self, session: Session) -> CorrelationIds:
        """Return the ids that a session was created with."""
        sealed = (session.sealed_device_correlation_id, session.sealed_user_correlation_id)
        sealer = await self.seals.get()
        device, user = (
            one and sealer.open_id(one, session_id=session.session_id) for one in sealed
        )
        return CorrelationIds(device=device, user=user)

    async def list_sessions(self, person: Person, continuation: str | None) -> SessionPage:
        """List a person's sessions, a page at a time."""
        sealer = await self.seals.get()
        person_hash = sealer.hash_person(person.kind, person.id)
        after = continuation and _open_place(sealer, continuation, person_hash)
        listed = await self.store.list_sessions(
            person_hash, after=after, limit=_SESSIONS_PER_PAGE + 1
        )
        page, more = listed[:_SESSIONS_PER_PAGE], listed[_SESSIONS_PER_PAGE:]
        for _, session in page:
            check_verdict(session)
        return SessionPage(
            sessions=tuple(session for _, session in page),
            continuation=sealer.seal_place(page[-1][0], person=person_hash) if more else None,
        )

    async def unlock(self, person: Person) -> None:
        """Forgive a person's failures until now."""
        sealer = await self.seals.get()
        person_hash = sealer.hash_person(person.kind, person.id)
        await self.store.record_unlock(person_hash, Unlock(at=self.now()))
        self.log("person unlocked")


def _open_place(sealer: Sealer, continuation: str, person: PersonHash) -> str:
    try:
        return sealer.open_place(continuation, person=person)
    except UnreadableRecordError as error:
        message = "continuation must be one that was given for this person"
        raise InvalidRequestError(message, target="continuation") from error
