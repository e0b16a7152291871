"""A session as a table row and back."""

from collections.abc import Mapping
from datetime import datetime

from shared.errors import UnreadableRecordError
from shared.session.caller import Caller
from shared.session.face_ids import is_face_id
from shared.session.face_reply import FaceRequestIds
from shared.session.ids import shard_of
from shared.session.kept_image import KeptImage
from shared.session.session import Report, Session, Verdict
from shared.session.shard import is_hash, shard_of_person
from shared.store import row_keys
from shared.store.columns import Columns, Row, read_column, row_at, write_value

_SESSION = Columns(
    Session,
    names={"token_hash": "sessionTokenSha256", "has_face_data": "atFace"},
    elsewhere={
        "session_id",
        "created_by",
        "report",
        "verdict",
        "image",
        "face_request_ids",
        "version",
        "unknown_columns",
    },
)
_CREATED_BY = Columns(Caller, prefix="created_by_")
_REPORT = Columns(Report, prefix="reported_")
_VERDICT = Columns(Verdict)
_REQUEST_IDS = Columns(FaceRequestIds, prefix="face_request_id_")
_IMAGE = Columns(KeptImage, prefix="image_")
# Higher with each change of the row that an earlier version must not undo.
SCHEMA_VERSION = 1
_KNOWN = {
    *("PartitionKey", "RowKey", "Timestamp"),
    *(
        name
        for columns in (_SESSION, _CREATED_BY, _REPORT, _VERDICT, _REQUEST_IDS, _IMAGE)
        for name in columns.names()
    ),
}


def session_row(session: Session) -> Row:
    """Write a session, with whatever a later version of the app has written of it."""
    return {
        **session.unknown_columns,
        **row_at(shard_of(session.session_id), row_keys.session_key(session.session_id)),
        **_SESSION.write(session),
        _SESSION.name_of("schema_version"): max(session.schema_version, SCHEMA_VERSION),
        **(_CREATED_BY.write(session.created_by) if session.created_by else {}),
        **_REPORT.write(session.report),
        **(_VERDICT.write(session.verdict) if session.verdict else {}),
        **_IMAGE.write(session.image),
        **_REQUEST_IDS.write(session.face_request_ids),
    }


def alarm_columns(due_at: datetime) -> Row:
    """Write when a session's alarm is due, and nothing else of it."""
    return {_SESSION.name_of("alarm_at"): write_value(due_at)}


def session_from_row(row: Mapping[str, object], version: str) -> Session:
    """Read a session; UnreadableRecordError when the row is none of ours."""
    session = _SESSION.read(
        row,
        session_id=row_keys.session_id_from_key(read_column(row, "RowKey", str)),
        created_by=_CREATED_BY.read(row) if _CREATED_BY.name_of("app_id") in row else None,
        report=_REPORT.read(row),
        verdict=_VERDICT.read(row) if _VERDICT.name_of("outcome") in row else None,
        image=_IMAGE.read(row),
        face_request_ids=_REQUEST_IDS.read(row),
        version=version,
        unknown_columns={name: value for name, value in row.items() if name not in _KNOWN},
    )
    _check_keys(session)
    if session.is_final and session.ended_at is None:
        raise UnreadableRecordError("the row of a final session does not say when it ended")
    return session


def _check_keys(session: Session) -> None:
    """Refuse what cannot be ours of all that becomes a part of a path, or of another row's key."""
    image_id, person = session.image.face_image_id, session.person
    face_ids = (session.face_session_id, *([] if image_id is None else [image_id]))
    if not all(map(is_face_id, face_ids)):
        # Whoever writes to the table must not choose what Face is asked for with our key.
        raise UnreadableRecordError("the row holds what is no id of Face")
    hashes = (one for one in (person, session.key_hash) if one is not None)
    if not all(map(is_hash, hashes)):
        raise UnreadableRecordError("the row holds what is no hash of ours")
    if person is not None and shard_of_person(person) != shard_of(session.session_id):
        # Its ending is one transaction with its person's ledger, in the one shard of both.
        raise UnreadableRecordError("the row names a person of another shard")
