"""Erases a person: at once what can be, and the rest whenever its alarm is due."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import (
    AppError,
    EventsUnavailableError,
    ReceiptNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow.erasure_ports import Erasures
from shared.flow.event_failure import log_event_failure
from shared.flow.images import SessionImages
from shared.flow.ports import EventTopic, LogEvent, Seals, SessionStore
from shared.flow.walk import Walk
from shared.session import transitions
from shared.session.alarm import Alarm, SweepResult, backoff_delay
from shared.session.erasure import SECOND_PASS_AFTER, Mark, Receipt
from shared.session.ids import RandomBytes, SessionId, is_session_id, new_session_id
from shared.session.person import Person
from shared.session.session import Session
from shared.session.shard import PersonHash

# So few are removed while the operator waits; more, when the alarm is due.
_MAX_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Marks a person, and removes all that is kept of them."""

    seals: Seals
    store: SessionStore
    erasures: Erasures
    walk: Walk
    images: SessionImages
    events: EventTopic | None
    retention: timedelta
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    log: LogEvent

    async def erase(self, person: Person) -> Receipt:
        """Begin to erase a person; while that goes on, return its receipt."""
        sealer = await self.seals.get()
        person_hash = sealer.hash_person(person.kind, person.id)
        if known := await self.erasures.load_mark(person_hash):
            return await self._load(known.receipt_id)
        now, started = self.now(), await self.erasures.list_started(person_hash)
        receipt_id = new_session_id(person_hash, self.random_bytes)
        receipt = Receipt(receipt_id=receipt_id, sessions=len(started), begun_at=now)
        try:
            mark = Mark(receipt_id=receipt_id, begun_at=now, alarm_at=now)
            mark = await self.erasures.insert_mark(person_hash, mark, receipt)
        except StoreConflictError:
            known = await self.erasures.load_mark(person_hash)
            if known is None:
                raise StoreUnavailableError("the person's erasure kept changing") from None
            return await self._load(known.receipt_id)
        self.log("erasure begun", receipt_id=receipt_id)
        if len(started) <= _MAX_AT_ONCE:
            await self._try_first_pass(person_hash, mark)
        return receipt

    async def find(self, receipt_id: str) -> Receipt:
        """Return a receipt; ReceiptNotFound when there is none, or none any more."""
        if not is_session_id(receipt_id):
            raise ReceiptNotFoundError("no such receipt")
        return await self._load(receipt_id)

    async def handle_alarm(self, alarm: Alarm) -> SweepResult:
        """Do one pass; after the second nothing is left but a receipt that names nobody."""
        person = self.erasures.person_of(alarm)
        if person is None:
            return await self._tell(alarm)
        mark = await self.erasures.load_mark(person)
        if mark is None:
            await self.store.end_record(alarm)
            return SweepResult.FORGOTTEN
        if mark.alarm_at != alarm.due_at:
            return SweepResult.SKIPPED
        return await self._run_pass(person, mark)

    async def _try_first_pass(self, person: PersonHash, mark: Mark) -> None:
        try:
            await self._run_pass(person, mark)
        except AppError as error:
            # Its alarm carries it on.
            self.log("erasure held up", receipt_id=mark.receipt_id, cause=error)

    async def _run_pass(self, person: PersonHash, mark: Mark) -> SweepResult:
        # As it begins: however long it takes, it knows only of sessions that are there by then.
        is_second = mark.is_second_pass(self.now())
        # First, so that whatever fails is tried again, less and less often.
        delay = backoff_delay(SECOND_PASS_AFTER, mark.delays)
        later = replace(mark, alarm_at=self.now() + delay, delays=mark.delays + 1)
        later = await self.erasures.postpone(person, mark, later)
        await self._delete_sessions(person)
        if not is_second:
            # By its start in the ledger the next pass finds a session that has come meanwhile.
            return SweepResult.POSTPONED
        await self.erasures.delete_ledger(person, self.now())
        await self._end(person, later)
        return SweepResult.PURGED

    async def _delete_sessions(self, person: PersonHash) -> None:
        """Delete all that can be; what one of them failed with is raised when all were tried."""
        failure: AppError | None = None
        for session_id in await self.erasures.list_started(person):
            try:
                await self._delete(session_id)
            except AppError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def _delete(self, session_id: SessionId) -> None:
        try:
            session = await self.store.load(session_id)
        except UnreadableRecordError:
            await self.images.delete(session_id)
            await self.erasures.delete_unreadable(session_id)
            return
        if session is not None:
            await self._purge_session(session)

    async def _purge_session(self, session: Session) -> None:
        ended = session
        if not session.is_final:
            canceled = transitions.canceled(session, self.now())
            ended = await self.store.replace(session, canceled)
        if not ended.is_forgotten_by_face(self.now()):
            ended = await self.walk.visit(ended)
        await self.images.delete(session.session_id)
        await self.store.purge(ended)

    async def _end(self, person: PersonHash, mark: Mark) -> None:
        receipt = replace(await self._load(mark.receipt_id), erased_at=self.now())
        await self.erasures.delete_mark(person, mark, receipt)
        self.log("person erased", receipt_id=mark.receipt_id)

    async def _tell(self, alarm: Alarm) -> SweepResult:
        receipt = await self.erasures.load_receipt_of(alarm)
        if receipt is None or receipt.erased_at is None:
            await self.store.end_record(alarm)
            return SweepResult.FORGOTTEN
        if self.events is not None:
            try:
                await self.events.send_erasure(receipt)
            except EventsUnavailableError as error:
                waited = self.now() - receipt.erased_at
                log_event_failure(self.log, error, waited, receipt_id=receipt.receipt_id)
                return SweepResult.UNSENT
            self.log("event sent", receipt_id=receipt.receipt_id)
        purge_at = receipt.erased_at + self.retention
        await self.erasures.keep_receipt(alarm, receipt, purge_at=purge_at)
        return SweepResult.POSTPONED if self.events is None else SweepResult.SENT

    async def _load(self, receipt_id: SessionId) -> Receipt:
        receipt = await self.erasures.load_receipt(receipt_id)
        if receipt is None:
            raise ReceiptNotFoundError("no such receipt")
        return receipt
