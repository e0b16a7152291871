"""Write what follows for a session; if somebody else wrote first, what follows from that."""

from collections.abc import Callable

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow.ports import SessionStore
from shared.session.session import Session

MAX_UPDATE_ATTEMPTS = 5

Decision = Callable[[Session], Session]
Told = Callable[[Session, Session], None]


async def change(
    store: SessionStore,
    session: Session,
    decide: Decision,
    told: Told = lambda *_: None,
) -> Session:
    """Return the session as it now stands; tell before and after if this call changed it."""
    for _ in range(MAX_UPDATE_ATTEMPTS):
        after = session if session.is_final else decide(session)
        if after == session:
            return session
        try:
            changed = await store.replace(session, after)
        except StoreConflictError:
            session = await _reload(store, session)
        else:
            told(session, changed)
            return changed
    raise SessionConflictError("the session kept changing")


async def _reload(store: SessionStore, session: Session) -> Session:
    found = await store.load(session.session_id)
    if found is None:
        raise SessionNotFoundError("no such session")
    return found
