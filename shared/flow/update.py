"""Optimistic concurrency with retry: whoever loses a race reads again, and decides again."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow.ports import LogEvent, SessionStore
from shared.session.session import Session

MAX_UPDATE_ATTEMPTS = 5

type Decide = Callable[[Session], Session]


@dataclass(frozen=True, slots=True)
class Change:
    """A session as it was read and as it now stands: the same if this call wrote nothing."""

    before: Session
    after: Session

    @property
    def is_written(self) -> bool:
        """Was it this call that made the session what it is."""
        return self.before != self.after


async def change(store: SessionStore, session: Session, decide: Decide, log: LogEvent) -> Change:
    """Write what `decide` makes of a session, and log an ending; what has ended stays as it is."""
    for _ in range(MAX_UPDATE_ATTEMPTS):
        after = session if session.is_final else decide(session)
        if after == session:
            return Change(session, session)
        try:
            written = await store.replace(session, after)
        except StoreConflictError:
            session = await _reload(store, session)
        else:
            _log_ending(written, log)
            return Change(session, written)
    raise SessionConflictError("the session kept changing")


async def _reload(store: SessionStore, session: Session) -> Session:
    found = await store.load(session.session_id)
    if found is None:
        raise SessionNotFoundError("no such session")
    return found


def _log_ending(session: Session, log: LogEvent) -> None:
    if not session.is_final:
        return
    verdict = session.verdict
    log(
        "session ended",
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        outcome=verdict.outcome if verdict else None,
        reasons=",".join(verdict.reasons) if verdict else None,
        model_version=verdict.model_version if verdict else None,
    )
