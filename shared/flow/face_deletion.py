"""Delete at Face, and say whether that worked; if not, somebody else has to see to it."""

from shared.errors import FaceSilentError
from shared.flow.ports import FaceGateway, Telemetry
from shared.session.session import Kind


async def was_deleted(  # noqa: PLR0913 - two of them are for the log
    face: FaceGateway,
    kind: Kind,
    face_session_id: str,
    note: Telemetry,
    *,
    session_id: str | None = None,
    patient: bool = True,
) -> bool:
    """Delete; False when Face's word is not to be had."""
    try:
        await face.delete(kind, face_session_id, patient=patient)
    except FaceSilentError as error:
        note("face silent", session_id=session_id, operation="delete", cause=error)
        return False
    return True
