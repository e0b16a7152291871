"""The erasure of a person: a mark that keeps new sessions out, and a receipt that names nobody."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.session.ids import SessionId

# A create that had read the ledger before the mark was there has ended by then.
SECOND_PASS_AFTER = timedelta(minutes=1)


class ErasureStatus(StrEnum):
    """How far an erasure is."""

    ERASING = "erasing"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Lies in a person's ledger while all else of it goes; its version is that of its row."""

    receipt_id: SessionId
    begun_at: datetime
    alarm_at: datetime
    delays: int = 0
    version: str = field(default="", repr=False)

    def is_second_pass(self, now: datetime) -> bool:
        """Tell whether no create can be under way that has not seen the mark."""
        return now - self.begun_at >= SECOND_PASS_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an operator may ask for later; it has the shape of a session's id, and no person."""

    receipt_id: SessionId
    sessions: int
    begun_at: datetime
    erased_at: datetime | None = None
    version: str = field(default="", repr=False)

    @property
    def ended_at(self) -> datetime:
        """Tell when all was erased."""
        if self.erased_at is None:
            raise ValueError("only an ending is told")
        return self.erased_at

    @property
    def status(self) -> ErasureStatus:
        """Tell how far it is."""
        return ErasureStatus.ERASED if self.erased_at else ErasureStatus.ERASING
