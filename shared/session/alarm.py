"""What the sweep must look at, and when."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What the sweep must look at: a session, or without one the end of an idempotency key."""

    shard: str
    session_id: str | None
    row_key: str = field(repr=False)
    due_at: datetime | None
