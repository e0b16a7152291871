"""What the erasure of a person asks of the store."""

from datetime import datetime
from typing import Protocol

from shared.session.alarm import Alarm
from shared.session.erasure import Mark, Receipt
from shared.session.ids import SessionId
from shared.session.shard import PersonHash


class Erasures(Protocol):
    """Marks and receipts of erasures. Every method that is awaited may raise StoreUnavailable."""

    def person_of(self, alarm: Alarm) -> PersonHash | None:
        """Tell whose erasure an alarm carries on; None if it is for a receipt."""
        ...

    async def load_mark(self, person: PersonHash) -> Mark | None:
        """Read a person's mark."""
        ...

    async def load_receipt(self, receipt_id: SessionId) -> Receipt | None:
        """Read a receipt."""
        ...

    async def load_receipt_of(self, alarm: Alarm) -> Receipt | None:
        """Read the receipt that an alarm is for."""
        ...

    async def list_started(self, person: PersonHash) -> list[SessionId]:
        """List every session of a person that has a row, be it one that nobody can read."""
        ...

    async def insert_mark(self, person: PersonHash, mark: Mark, receipt: Receipt) -> Mark:
        """Mark a person, return the mark as it stands; StoreConflict where there is one already."""
        ...

    async def postpone(self, person: PersonHash, before: Mark, after: Mark) -> Mark:
        """Carry an erasure on later, return the mark as it stands; StoreConflict if it is not."""
        ...

    async def delete_unreadable(self, session_id: SessionId) -> None:
        """Remove the rows of a session by their keys alone."""
        ...

    async def delete_ledger(self, person: PersonHash, now: datetime) -> None:
        """Remove all of a person's ledger but the mark; StoreConflict when that has changed."""
        ...

    async def delete_mark(self, person: PersonHash, mark: Mark, receipt: Receipt) -> None:
        """Remove the mark, and with it the last of the person; an alarm leads to the receipt."""
        ...

    async def keep_receipt(self, alarm: Alarm, receipt: Receipt, *, purge_at: datetime) -> None:
        """Have a receipt that all is done with go by another alarm."""
        ...
