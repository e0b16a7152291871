"""A repeated create gets the very answer of the first: nothing is asked, nothing is written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import IdempotencyKeyReusedError, SessionConflictError
from shared.flow.creation import Creation, open_answer
from shared.flow.ports import SessionStore
from shared.session.ledger import Ledger
from shared.session.started import Started


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Finds what an idempotency key has been answered."""

    store: SessionStore
    now: Callable[[], datetime]

    async def find(self, creation: Creation, ledger: Ledger) -> Started | None:
        """Return the first answer, if there was one and its token still lives."""
        key = creation.key
        record = ledger.find_record(key.key_hash) if key else None
        if key is None or record is None or record.is_over(self.now()):
            return None
        if record.request_hash != key.request_hash:
            raise IdempotencyKeyReusedError("the key was used for another request")
        session, sealed = await asyncio.gather(
            self.store.load(record.session_id), self.store.load_sealed_answer(record.session_id)
        )
        if (
            session is None
            or sealed is None
            or session.is_final
            or self.now() >= session.expires_at
        ):
            raise SessionConflictError("this key has opened a session that is over")
        return open_answer(key, creation.sealer, session, sealed)
