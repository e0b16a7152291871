"""What is known of persons, and what operators do for them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.flow.ports import LogEvent, Seals, SessionStore
from shared.session.ledger import Unlock
from shared.session.person import CorrelationIds, Person
from shared.session.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """Opens what is sealed of a person, and unlocks."""

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

    async def unlock(self, person: Person) -> None:
        """Forgive a person's failures until now."""
        sealer = await self.seals.get()
        person_hash = sealer.hash_person(person.kind, person.id)
        await self.store.record_unlock(person_hash, Unlock(at=self.now()))
        self.log("person unlocked")
