"""Delete at Face: what Face does not do now is done when the session's alarm is due."""

from datetime import timedelta

from shared.errors import FaceOutcomeUnknownError, StoreConflictError, StoreUnavailableError
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.session import transitions
from shared.session.session import Session


async def try_delete_face_session(session: Session, face: FaceGateway, log: LogEvent) -> bool:
    """Have Face forget a session; False when nobody knows whether it has."""
    try:
        await face.delete(session.kind, session.face_session_id)
    except FaceOutcomeUnknownError as error:
        log("face silent", session_id=session.session_id, operation="delete", cause=error)
        return False
    return True


async def delete_ended_face_session(
    session: Session, face: FaceGateway, store: SessionStore, log: LogEvent, *, retention: timedelta
) -> Session:
    """Make one try for a session, if it has ended, and return the session as it stands then."""
    if not session.is_final or not session.has_face_data:
        return session
    if not await try_delete_face_session(session, face, log):
        return session
    try:
        return await store.replace(session, transitions.face_data_deleted(session, retention))
    except (StoreConflictError, StoreUnavailableError):
        return session
