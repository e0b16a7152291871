"""How a session ended, and what is kept of its check: for servers, which may use it once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ImageNotFoundError, ResultConsumedError, SessionNotFoundError
from shared.flow import update
from shared.flow.images import SessionImages
from shared.flow.ports import SessionStore
from shared.session.ids import is_session_id
from shared.session.session import Session
from shared.session.verdict_check import check_final, check_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Reads what is recorded of sessions that have ended."""

    store: SessionStore
    images: SessionImages
    now: Callable[[], datetime]

    async def load(self, session_id: str) -> Session:
        """Return a session that has ended."""
        session = await self._load_any(session_id)
        check_final(session, self.now())
        check_verdict(session)
        return session

    async def consume(self, session_id: str, consumer: str) -> Session:
        """Give a result to the first who makes use of it, and to nobody else."""
        session = await self.load(session_id)
        if session.consumer is None:
            change = await update.change_final(
                self.store, session, lambda known: _consumed(known, consumer, self.now())
            )
            session = change.after
        if session.consumer != consumer:
            raise ResultConsumedError("another consumer has made use of the result")
        return session

    async def load_image(self, session_id: str) -> bytes:
        """Return the picture that is kept of a check."""
        session = await self._load_any(session_id)
        if not session.is_final:
            raise ImageNotFoundError("no such image")
        return await self.images.load(session)

    async def _load_any(self, session_id: str) -> Session:
        session = await self.store.load(session_id) if is_session_id(session_id) else None
        if session is None:
            raise SessionNotFoundError("no such session")
        return session


def _consumed(session: Session, consumer: str, now: datetime) -> Session:
    if session.consumer is not None:
        return session
    return replace(session, consumer=consumer, consumed_at=now)
