"""What the sweep must look at, when, and what comes of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.session.session import SessionId, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What the sweep must look at: a session, or without one the end of an idempotency key."""

    shard: Shard
    session_id: SessionId | None
    row_key: str = field(repr=False)
    due_at: datetime | None


class SweepResult(StrEnum):
    """What came of an alarm."""

    SETTLED = "settled"
    ABANDONED = "abandoned"
    DELETED = "deleted"
    PURGED = "purged"
    POSTPONED = "postponed"
    SKIPPED = "skipped"
    FAILED = "failed"
    LEFT = "left"
