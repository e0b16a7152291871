"""What a session is: its values, its states, its id and its token."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType, TypeGuard

from shared.secret import Secret

SessionId = NewType("SessionId", str)
FaceSessionId = NewType("FaceSessionId", str)
PersonHash = NewType("PersonHash", str)
Shard = NewType("Shard", str)

SHARDS = tuple(map(Shard, "0123456789abcdef"))
NO_SESSION_ID = SessionId("0" * 33)
NO_TOKEN_HASH = "0" * 64
_SESSION_ID = re.compile(r"[0-9a-f]{33}", re.ASCII)

RandomBytes = Callable[[int], bytes]


class Kind(StrEnum):
    """What is checked."""

    LIVENESS = "liveness"
    LIVENESS_WITH_VERIFY = "livenessWithVerify"


class Status(StrEnum):
    """Where a session is in its life."""

    STARTED = "started"
    PROCESSING = "processing"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Is this an ending."""
        return self in {Status.COMPLETED, Status.ABANDONED, Status.CANCELED}


class Outcome(StrEnum):
    """What a completed check means."""

    PASSED = "passed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    UNTRUSTED = "untrusted"


class Reason(StrEnum):
    """Why a completed check has not passed."""

    DIGEST_MISMATCH = "DigestMismatch"
    IMAGE_HASH_MISMATCH = "ImageHashMismatch"
    SPOOF = "Spoof"
    DIFFERENT_PERSON = "DifferentPerson"
    BELOW_CONFIDENCE_FLOOR = "BelowConfidenceFloor"
    UNCERTAIN = "Uncertain"
    UNKNOWN_DECISION = "UnknownDecision"
    NO_FINISHED_ATTEMPT = "NoFinishedAttempt"
    ATTEMPT_ERROR = "AttemptError"
    CANCELED = "Canceled"
    DIGEST_MISSING = "DigestMissing"
    VERIFY_MISSING = "VerifyMissing"
    IMAGE_HASH_MISSING = "ImageHashMissing"


class Comparison(StrEnum):
    """How a value from Face compares with the one it should equal."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    NOT_PROVIDED = "notProvided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the frontend said about its check; never a reason to pass."""

    digest: str | None = field(default=None, repr=False)
    digests_differ: bool = False
    result_id: str | None = None
    liveness_error: str | None = None
    recognition_error: str | None = None

    @property
    def has_error(self) -> bool:
        """Did the frontend report a failed try."""
        # The SDKs name a missing error, too: "None".
        return {self.liveness_error, self.recognition_error} - {None, "None"} != set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgment of one check, and what it rests on."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    liveness_decision: str | None = None
    attempt_id: int | None = None
    attempt_count: int = 0
    error_code: str | None = None
    is_identical: bool | None = None
    match_confidence: float | None = None
    verify_image_hash: Comparison = Comparison.NOT_PROVIDED
    digest: Comparison = Comparison.NOT_PROVIDED
    model_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One check of one person, from its start to the end of its retention."""

    session_id: SessionId
    kind: Kind
    status: Status
    face_session_id: FaceSessionId
    token_hash: str = field(repr=False)
    device_correlation_id: str | None = field(default=None, repr=False)
    user_correlation_id: str | None = field(default=None, repr=False)
    person_sha256: PersonHash | None = field(default=None, repr=False)
    verify_image_sha256: str | None = field(default=None, repr=False)
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    report: Report = field(default_factory=Report, repr=False)
    reminded_at: datetime | None = None
    verdict: Verdict | None = None
    has_face_data: bool = True
    alarm_at: datetime
    alarm_delays: int = 0
    version: str = field(default="", repr=False)

    @property
    def is_final(self) -> bool:
        """Has the session ended for good."""
        return self.status.is_final


def is_session_id(text: str) -> TypeGuard[SessionId]:
    """Tell whether a text has the one shape our ids have."""
    return _SESSION_ID.fullmatch(text) is not None


def new_session_id(person: str | None, random_bytes: RandomBytes) -> SessionId:
    """Make an id; its first digit is the shard, where all of one person's rows are neighbors."""
    if person is None:
        return SessionId(random_bytes(17).hex()[:33])
    return SessionId(shard_of_person(person) + random_bytes(16).hex())


def shard_of_person(person: str) -> Shard:
    """Name the partition where all of one person's rows are neighbors."""
    return Shard(hashlib.sha256(person.encode()).hexdigest()[0])


def shard_of(session_id: SessionId) -> Shard:
    """Name the partition that a session's rows live in."""
    return Shard(session_id[0])


def new_token(random_bytes: RandomBytes) -> Secret:
    """Make a session token, of 256 random bits."""
    return Secret(base64.urlsafe_b64encode(random_bytes(32)).decode().rstrip("="))


def hash_token(token: Secret) -> str:
    """Return what may be stored of a session token."""
    # A header can hold what is no UTF-8; that is a wrong token, not an error.
    return hashlib.sha256(token.reveal().encode(errors="surrogatepass")).hexdigest()


def token_matches(token: Secret, token_hash: str) -> bool:
    """Tell whether a token has this hash, in the same time whatever the answer."""
    return hmac.compare_digest(hash_token(token), token_hash)


def rfc3339(moment: datetime) -> str:
    """Write a time so that it sorts as text, to the millisecond, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
