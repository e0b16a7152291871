"""Delete at Face, and say whether that worked; if not, somebody else has to see to it."""

from shared.errors import FaceOutcomeUnknownError
from shared.flow.ports import FaceGateway, LogEvent
from shared.session.session import FaceSessionId, Kind, SessionId


async def try_delete_face_session(  # noqa: PLR0913 - two of them are for the log
    face: FaceGateway,
    kind: Kind,
    face_session_id: FaceSessionId,
    log: LogEvent,
    *,
    session_id: SessionId | None = None,
    patient: bool = True,
) -> bool:
    """Delete; False when Face's word is not to be had."""
    try:
        await face.delete(kind, face_session_id, patient=patient)
    except FaceOutcomeUnknownError as error:
        log("face silent", session_id=session_id, operation="delete", cause=error)
        return False
    return True
