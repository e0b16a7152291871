"""Small builders: each makes the ordinary case, and a test says only what differs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack, cast

from shared.secret import Secret
from shared.session.caller import Caller
from shared.session.decisions import Rules
from shared.session.face_answer import Attempt, FaceAnswer, FaceStatus, Quality, ReferenceImage
from shared.session.face_reply import FaceRequestIds
from shared.session.ids import FaceSessionId, SessionId, SessionImageId
from shared.session.kept_image import KeptImage
from shared.session.late_digest import LateDigest
from shared.session.ledger import Slot
from shared.session.ledger_changes import Opening, start_entry
from shared.session.reference import ReferenceSource
from shared.session.session import Kind, Report, Session, Status, Verdict
from shared.session.session_token import hash_token
from shared.session.shard import PersonHash
from shared.session.start_request import Mode, StartRequest
from shared.session.verdict import Policy

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TOKEN_LIFE = timedelta(minutes=10)
GRACE = timedelta(minutes=5)
RETENTION = timedelta(days=90)
RULES = Rules(policy=Policy(), grace=GRACE, retention=RETENTION)

SESSION_ID = SessionId("5" + "0123456789abcdef" * 2)
FACE_SESSION_ID = FaceSessionId("c0960a93-7b54-43f3-97b2-396e20886a74")
SESSION_IMAGE_ID = SessionImageId("AZMKlsBUe_NDl7I5biCIanQkXqGbA96ST54SV4BVmqL9")
RECTANGLE = {"top": 669, "left": 203, "width": 646, "height": 724}
REFERENCE_IMAGE = ReferenceImage(quality=Quality.HIGH, face_rectangle=RECTANGLE)
TOKEN = Secret("the-session-token")
DIGEST = "e766494e93e44de2aa3005c7755f5e9578f814dd225ee1349bc9cd401c42943f"
OTHER_DIGEST = "b0a803bb7b26f3c8f29cd36030f8e63ed3faf955feef8e01c88ab8fd89ccf761"
IMAGE_HASH = "43b7d8e8769533c3290dbd37a84d821b2c28cb4381df9c6784dbc4aaf7e45018"
PERSON = PersonHash("5d" * 32)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 2000


class SessionFields(TypedDict, total=False):
    """What a test may say about a session; of ids and hashes plain text is enough."""

    session_id: str
    kind: Kind
    status: Status
    face_session_id: str
    token_hash: str
    sealed_device_correlation_id: str | None
    sealed_user_correlation_id: str | None
    person: str | None
    slot_number: int | None
    key_hash: str | None
    verify_image_sha256: str | None
    reference_source: ReferenceSource | None
    reference_image: ReferenceImage | None
    face_model_version: str | None
    reference: str | None
    consumer: str | None
    consumed_at: datetime | None
    created_at: datetime
    created_by: Caller | None
    expires_at: datetime
    ended_at: datetime | None
    report: Report
    look_at: datetime | None
    empty_looks: int
    message_at: datetime | None
    cancel_look_at: datetime | None
    failed_cancels: int
    is_canceled_during_check: bool
    verdict: Verdict | None
    awaits_digest: bool
    face_digest_hash: str | None
    late_digest: LateDigest
    face_request_ids: FaceRequestIds
    image: KeptImage
    has_face_data: bool
    alarm_at: datetime
    alarm_delays: int
    version: str
    schema_version: int
    unknown_columns: Mapping[str, str | int | float | bool]


class AttemptFields(TypedDict, total=False):
    """What a test may say about an attempt."""

    attempt_id: int | None
    status: FaceStatus | None
    has_result: bool
    liveness_decision: str | None
    digest: str | None
    verify_image_hash: str | None
    is_identical: bool | None
    match_confidence: float | None
    has_error: bool
    error_code: str | None
    error_message: str | None
    face_rectangle: Mapping[str, int] | None
    session_image_id: SessionImageId | None


def a_session(**said: Unpack[SessionFields]) -> Session:
    return replace(
        Session(
            session_id=SESSION_ID,
            kind=Kind.LIVENESS,
            status=Status.STARTED,
            face_session_id=FACE_SESSION_ID,
            token_hash=hash_token(TOKEN),
            created_at=NOW,
            expires_at=NOW + TOKEN_LIFE,
            alarm_at=NOW + TOKEN_LIFE + GRACE,
        ),
        **cast("dict[str, Any]", said),
    )


def a_verify_session(**said: Unpack[SessionFields]) -> Session:
    session = a_session(kind=Kind.LIVENESS_WITH_VERIFY, verify_image_sha256=IMAGE_HASH)
    return replace(session, **cast("dict[str, Any]", said))


def an_attempt(**said: Unpack[AttemptFields]) -> Attempt:
    """Play a try by a real person who is the right one."""
    attempt = Attempt(
        attempt_id=1,
        status=FaceStatus.SUCCEEDED,
        has_result=True,
        liveness_decision="realface",
        digest=DIGEST.upper(),
        verify_image_hash=IMAGE_HASH.upper(),
        is_identical=True,
        match_confidence=0.91,
        face_rectangle=RECTANGLE,
        session_image_id=SESSION_IMAGE_ID,
    )
    return replace(attempt, **said)


def a_failed_attempt(attempt_id: int = 1) -> Attempt:
    return Attempt(
        attempt_id=attempt_id,
        status=FaceStatus.FAILED,
        has_error=True,
        error_code="FaceWithMaskDetected",
        error_message="Mask detected on face image.",
        face_rectangle=RECTANGLE,
    )


def an_answer(*attempts: Attempt, status: FaceStatus | None = FaceStatus.SUCCEEDED) -> FaceAnswer:
    return FaceAnswer(status=status, model_version="2024-11-15", attempts=attempts)


def a_passing_answer() -> FaceAnswer:
    return an_answer(an_attempt())


def a_running_answer() -> FaceAnswer:
    return an_answer(status=FaceStatus.RUNNING)


def an_opening(session: Session, *, slot: int | None = None) -> Opening:
    """Begin a session in its person's ledger, where it has one, in a slot that is not there yet."""
    if session.person is None:
        return Opening(session=session)
    session = session if slot is None else replace(session, slot_number=slot)
    taken = Slot(number=slot or 0, session_id=session.session_id, ends_at=session.expires_at)
    return Opening(
        session=session, start=start_entry(session), slot=None if slot is None else taken
    )


def a_request(
    *,
    image: bytes | None = None,
    user: str | None = None,
    device: str | None = "device-1",
    mode: Mode = Mode.PASSIVE_ACTIVE,
    reference: str | None = None,
) -> StartRequest:
    return StartRequest(
        mode=mode,
        token_seconds=600,
        device_correlation_id=device,
        reference=reference,
        user_correlation_id=user,
        verify_image=image,
    )


def multipart(
    parts: Mapping[str, str | bytes], boundary: str = "frontier", filename: str = "face.png"
) -> tuple[str, bytes]:
    """Write a form as browsers do; a part made of bytes is a file."""
    body = b""
    for name, value in parts.items():
        disposition = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            disposition += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
        data = value if isinstance(value, bytes) else value.encode()
        body += f"--{boundary}\r\n{disposition}\r\n\r\n".encode() + data + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
