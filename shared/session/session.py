"""What a session is: its values, its states, its id and its token."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.secret import Secret

SHARDS = "0123456789abcdef"
NO_SESSION_ID = "0" * 33
TOKEN_OUTLIVES_END = timedelta(hours=1)
_NO_HASH = "0" * 64
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
        return any(map(_names_error, (self.liveness_error, self.recognition_error)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgment of one check, and what it rests on."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
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

    session_id: str
    kind: Kind
    status: Status
    face_session_id: str
    token_hash: str = field(repr=False)
    device_correlation_id: str | None = field(default=None, repr=False)
    user_correlation_id: str | None = field(default=None, repr=False)
    person_sha256: str | None = field(default=None, repr=False)
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

    def is_closed(self, now: datetime) -> bool:
        """Has the session ended so long ago that its own token opens it no more."""
        return self.ended_at is not None and now >= self.ended_at + TOKEN_OUTLIVES_END


def _names_error(text: str | None) -> bool:
    # The SDKs name a missing error, too, and no two of them spell it alike.
    return "".join(filter(str.isalnum, text or "")).casefold() not in {"", "none"}


def is_session_id(text: str) -> bool:
    """Tell whether a text has the one shape our ids have."""
    return _SESSION_ID.fullmatch(text) is not None


def new_session_id(person: str | None, random_bytes: RandomBytes) -> str:
    """Make an id; its first digit is the shard, where all of one person's rows are neighbors."""
    if person is None:
        return random_bytes(17).hex()[:33]
    return shard_of_person(person) + random_bytes(16).hex()


def shard_of_person(person: str) -> str:
    """Name the partition where all of one person's rows are neighbors."""
    return hashlib.sha256(person.encode()).hexdigest()[0]


def shard_of(session_id: str) -> str:
    """Name the partition that a session's rows live in."""
    return session_id[0]


def hash_token(token: Secret) -> str:
    """Return what may be stored of a session token."""
    # A header can hold what is no UTF-8; that is a wrong token, not an error.
    return hashlib.sha256(token.reveal().encode(errors="surrogatepass")).hexdigest()


def token_matches(token: Secret, session: Session | None) -> bool:
    """Tell whether this token is this session's own, in the same time whatever the answer."""
    expected = session.token_hash if session else _NO_HASH
    return hmac.compare_digest(hash_token(token), expected) and session is not None


def is_own_alarm(session: Session, shard: str, due_at: datetime | None) -> bool:
    """Tell whether an alarm is the one that the session's record knows of."""
    return shard == shard_of(session.session_id) and due_at == session.alarm_at


def rfc3339(moment: datetime) -> str:
    """Write a time so that it sorts as text, to the millisecond, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
