"""What a session is: its values and its states."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.session.attempts import RecordedAttempt
from shared.session.caller import Caller
from shared.session.face_answer import ReferenceImage
from shared.session.face_reply import FACE_FORGETS_AFTER, FaceCall, FaceRequestIds
from shared.session.ids import FaceSessionId, SessionId
from shared.session.kept_image import KeptImage
from shared.session.late_digest import LateDigest
from shared.session.reference import ReferenceSource
from shared.session.shard import KeyHash, PersonHash

_TOKEN_OUTLIVES_END = timedelta(hours=1)


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
    """Why a check has not passed."""

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
    REFERENCE_QUALITY = "ReferenceQuality"
    CANCELED_DURING_CHECK = "CanceledDuringCheck"


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
    def has_digest(self) -> bool:
        """Did the frontend report a digest, be it one of two that differ."""
        return self.digest is not None or self.digests_differ

    @property
    def has_error(self) -> bool:
        """Did the frontend report a failed try."""
        return any(map(_names_error, (self.liveness_error, self.recognition_error)))

    def merge(self, later: "Report") -> "Report":
        """Keep the first digest and whether another differed, and of all else the latest."""
        differ = None not in (self.digest, later.digest) and self.digest != later.digest
        return Report(
            digest=self.digest or later.digest,
            digests_differ=self.digests_differ or differ,
            result_id=later.result_id or self.result_id,
            liveness_error=later.liveness_error or self.liveness_error,
            recognition_error=later.recognition_error or self.recognition_error,
        )


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
    attempts: tuple[RecordedAttempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One check of one person, from its start to the end of its retention."""

    session_id: SessionId
    kind: Kind
    status: Status
    face_session_id: FaceSessionId
    token_hash: str = field(repr=False)
    sealed_device_correlation_id: str | None = field(default=None, repr=False)
    sealed_user_correlation_id: str | None = field(default=None, repr=False)
    # Whose ledger it is in, in which slot, and under which idempotency key.
    person: PersonHash | None = field(default=None, repr=False)
    slot_number: int | None = None
    key_hash: KeyHash | None = field(default=None, repr=False)
    verify_image_sha256: str | None = field(default=None, repr=False)
    reference_source: ReferenceSource | None = None
    # What Face thinks of the image it verifies against, and which model it began with.
    reference_image: ReferenceImage | None = None
    face_model_version: str | None = None
    # The caller's own id for what this check is for.
    reference: str | None = field(default=None, repr=False)
    created_at: datetime
    created_by: Caller | None = None
    expires_at: datetime
    ended_at: datetime | None = None
    report: Report = field(default_factory=Report, repr=False)
    # Until then nobody asks Face; and how many looks have found nothing.
    look_at: datetime | None = None
    empty_looks: int = 0
    # Face has a result that would pass, but for the digest that this deployment requires.
    awaits_digest: bool = False
    # When the last message that was sent for it is there.
    message_at: datetime | None = None
    # Until then no cancel asks Face; and how many could not.
    cancel_look_at: datetime | None = None
    failed_cancels: int = 0
    # Only a cancel can hide how a check that a device had begun would have ended.
    is_canceled_during_check: bool = False
    verdict: Verdict | None = None
    # Of Face's digest, where none was reported before the end; until one is.
    face_digest_hash: str | None = field(default=None, repr=False)
    late_digest: LateDigest = LateDigest.NONE
    # Who has made use of the result, the first and only time.
    consumer: str | None = field(default=None, repr=False)
    consumed_at: datetime | None = None
    image: KeptImage = field(default_factory=KeptImage)
    face_request_ids: FaceRequestIds = field(default_factory=FaceRequestIds)
    has_face_data: bool = True
    # Since when an event waits to be sent of how it ended.
    event_due_since: datetime | None = None
    alarm_at: datetime
    alarm_delays: int = 0
    version: str = field(default="", repr=False)
    # Of the row, and what a later version has written in it.
    schema_version: int = 1
    unknown_columns: Mapping[str, str | int | float | bool] = field(
        default_factory=dict, repr=False
    )

    @property
    def is_final(self) -> bool:
        """Has the session ended for good."""
        return self.status.is_final

    @property
    def has_stops(self) -> bool:
        """Is anything left to do after the end, before all that remains is the record."""
        return self.has_face_data or self.event_due_since is not None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it has not passed."""
        if self.is_canceled_during_check:
            return (Reason.CANCELED_DURING_CHECK,)
        return self.verdict.reasons if self.verdict else ()

    def after_call(self, call: FaceCall, request_id: str | None) -> "Session":
        """Keep by which id Face knows the last call of a kind."""
        return replace(self, face_request_ids=self.face_request_ids.having(call, request_id))

    def is_stale(self, now: datetime, grace: timedelta) -> bool:
        """Tell whether nobody can finish this check any more."""
        return now >= self.expires_at + grace

    def is_forgotten_by_face(self, now: datetime) -> bool:
        """Tell whether Face no longer keeps anything of this session."""
        return now >= self.created_at + FACE_FORGETS_AFTER

    def is_closed(self, now: datetime) -> bool:
        """Has the session ended so long ago that its own token opens it no more."""
        return self.ended_at is not None and now >= self.ended_at + _TOKEN_OUTLIVES_END


def _names_error(text: str | None) -> bool:
    # The SDKs name a missing error, too, and no two of them spell it alike.
    return "".join(filter(str.isalnum, text or "")).casefold() not in {"", "none"}
