"""Erases a person: at once what can be, and the rest whenever its alarm is due."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import (
    FaceUnavailableError,
    ReceiptNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
)
from shared.flow.images import SessionImages
from shared.flow.ports import Erasures, LogEvent, Seals, SessionStore
from shared.flow.walk import Walk
from shared.session import transitions
from shared.session.alarm import backoff_delay
from shared.session.erasure import SECOND_PASS_AFTER, Mark, Receipt
from shared.session.ids import RandomBytes, SessionId, is_session_id, new_session_id
from shared.session.person import Person
from shared.session.session import Session
from shared.session.shard import PersonHash

# Read in one go; a pass goes on until none is left.
_BATCH = 50
_MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Marks a person, and removes all that is kept of them."""

    seals: Seals
    store: SessionStore
    erasures: Erasures
    walk: Walk
    images: SessionImages
    retention: timedelta
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    log: LogEvent

    async def begin(self, person: Person) -> Receipt:
        """Begin to erase a person; while that goes on, return its receipt."""
        sealer = await self.seals.get()
        person_hash = sealer.hash_person(person.kind, person.id)
        if mark := await self.erasures.load_mark(person_hash):
            return await self._load(mark.receipt_id)
        mark, receipt = await self._plan(person_hash)
        try:
            await self.erasures.begin(person_hash, mark, receipt)
        except StoreConflictError:
            known = await self.erasures.load_mark(person_hash)
            if known is None:
                raise StoreUnavailableError("the person's erasure kept changing") from None
            return await self._load(known.receipt_id)
        self.log("erasure begun")
        return receipt

    async def find(self, receipt_id: str) -> Receipt:
        """Return a receipt; ReceiptNotFound when there is none, or none any more."""
        if not is_session_id(receipt_id):
            raise ReceiptNotFoundError("no such receipt")
        return await self._load(receipt_id)

    async def carry_on(self, person: PersonHash) -> None:
        """Do one pass; after the second nothing is left but a receipt that names nobody."""
        mark = await self.erasures.load_mark(person)
        if mark is None or mark.alarm_at > self.now():
            return
        # First, so that whatever fails is tried again, less and less often.
        delay = backoff_delay(SECOND_PASS_AFTER, mark.delays)
        later = replace(mark, alarm_at=self.now() + delay, delays=mark.delays + 1)
        await self.erasures.postpone(person, mark, later)
        await self._remove_sessions(person)
        await self.erasures.remove_ledger(person)
        if mark.is_second_pass(self.now()):
            await self._end(person)

    async def _plan(self, person: PersonHash) -> tuple[Mark, Receipt]:
        now = self.now()
        listed = await self.store.list_sessions(person, after=None, limit=_MAX_COUNTED)
        receipt_id = new_session_id(person, self.random_bytes)
        mark = Mark(receipt_id=receipt_id, begun_at=now, alarm_at=now)
        return mark, Receipt(receipt_id=receipt_id, sessions=len(listed), begun_at=now)

    async def _remove_sessions(self, person: PersonHash) -> None:
        while listed := await self.store.list_sessions(person, after=None, limit=_BATCH):
            for _, session in listed:
                await self._remove_session(session)

    async def _remove_session(self, session: Session) -> None:
        ended = session
        if not session.is_final:
            canceled = transitions.canceled(session, self.now())
            ended = await self.store.replace(session, canceled)
        ended = await self.walk.visit(ended)
        if ended.has_face_data and not ended.is_forgotten_by_face(self.now()):
            raise FaceUnavailableError("Face still has what is to be erased")
        await self.images.delete(session.session_id)
        await self.store.purge(ended)

    async def _end(self, person: PersonHash) -> None:
        mark = await self.erasures.load_mark(person)
        if mark is None:
            return
        receipt = await self._load(mark.receipt_id)
        now = self.now()
        await self.erasures.end(
            person, mark, replace(receipt, erased_at=now), purge_at=now + self.retention
        )
        self.log("person erased")

    async def _load(self, receipt_id: SessionId) -> Receipt:
        receipt = await self.erasures.load_receipt(receipt_id)
        if receipt is None:
            raise ReceiptNotFoundError("no such receipt")
        return receipt
