"""The record of a new session: written once, however its answer is lost."""

from shared.errors import StoreConflictError, StoreUnavailableError
from shared.flow.ports import SessionStore
from shared.session.ledger_changes import Opening
from shared.session.session import Session


async def insert_once(store: SessionStore, opening: Opening) -> bool:
    """Record a new session; False if somebody else has changed its person's ledger first."""
    try:
        await store.insert(opening)
    except (StoreConflictError, StoreUnavailableError) as error:
        is_recorded = await _find_recorded(store, opening.session)
        if is_recorded is None or (isinstance(error, StoreUnavailableError) and not is_recorded):
            failure = StoreUnavailableError("the new session could not be recorded")
            failure.may_be_written = is_recorded is None
            raise failure from error
        return is_recorded
    return True


async def _find_recorded(store: SessionStore, session: Session) -> bool | None:
    # A lost write: the row is there, but the answer was cut off, or is about a repeat of it.
    try:
        found = await store.load(session.session_id)
    except StoreUnavailableError:
        return None
    return found is not None and found.token_hash == session.token_hash
