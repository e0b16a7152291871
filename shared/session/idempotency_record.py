"""What an idempotency key stands for, for a day."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.session.idempotency import KeyHash
from shared.session.ids import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """What an idempotency key stands for: one request of one person, and the session it got."""

    key_hash: KeyHash = field(repr=False)
    request_hash: str = field(repr=False)
    session_id: SessionId
    ends_at: datetime
    version: str = field(default="", repr=False)

    def is_over(self, now: datetime) -> bool:
        """Tell whether the key may be used anew."""
        return now >= self.ends_at
