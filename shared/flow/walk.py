"""What a due alarm does: end what is over, walk what has ended to its last stop, purge."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import (
    DependencyError,
    EventsUnavailableError,
    FaceOutcomeUnknownError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.flow import update
from shared.flow.event_failure import log_event_failure
from shared.flow.face_failure import log_face_failure
from shared.flow.images import SessionImages
from shared.flow.ports import EventTopic, FaceGateway, LogEvent, SessionStore
from shared.flow.shared_looks import Look, SharedLooks
from shared.flow.update import Decide
from shared.session import background_looks, decisions, limits, looks, stops, transitions
from shared.session.alarm import Alarm, SweepResult
from shared.session.decisions import Rules
from shared.session.face_reply import FaceCall
from shared.session.ids import SessionId
from shared.session.kept_image import ImageState
from shared.session.ledger import EntryType
from shared.session.ledger_changes import end_entry
from shared.session.session import Session, Status
from shared.session.verdict_check import check_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Takes a session on, whenever its alarm is due, until nothing of it is left."""

    face: FaceGateway
    store: SessionStore
    images: SessionImages
    events: EventTopic | None
    looks: SharedLooks
    rules: Rules
    now: Callable[[], datetime]
    log: LogEvent

    async def handle_alarm(self, session_id: SessionId, alarm: Alarm | None = None) -> SweepResult:
        """Do whatever a session's alarm was set for; without an alarm, its own is meant.

        While Face gives no answer nothing is changed, and that raised, until Face must have
        forgotten the session.
        """
        session = await self.store.load(session_id)
        if session is None:
            raise UnreadableRecordError("an alarm without its session")
        if alarm is not None and not alarm.is_own_of(session):
            session = await self.store.adopt_alarm(session, alarm)
        if session.alarm_at > self.now():
            return SweepResult.SKIPPED
        if not session.is_final:
            return await self._check_open_session(session)
        if session.has_stops and not self._is_over(session):
            return self._result_of(session, await self.visit(session))
        if session.image.state is not ImageState.NONE:
            # First, so that no record is needed to find a picture that is left.
            await self.images.delete(session_id)
        await self.store.purge(session)
        return SweepResult.PURGED

    async def postpone(self, session_id: SessionId) -> SweepResult:
        """Move on the alarm of a session for which Face had no answer."""
        session = await self.store.load(session_id)
        if session is None or session.alarm_at > self.now():
            return SweepResult.SKIPPED
        await self.store.replace(session, transitions.postponed(session, self.now()))
        return SweepResult.POSTPONED

    async def visit(self, session: Session) -> Session:
        """Try every stop that is left of a session that has ended, and write once.

        Each stop is safe to repeat and to race; what failed is raised once the rest is written.
        """
        after = session
        failure: DependencyError | None = None
        for stop in (
            self._send_event,
            self.images.keep,
            self.images.analyze,
            self._delete_at_face,
        ):
            try:
                after = await stop(after)
            except FaceOutcomeUnknownError as error:
                failure = failure or error
            except StoreUnavailableError as error:
                # Of pictures or a ledger: tried less and less often, since each try asks Face too.
                failure, after = error, transitions.postponed(after, self.now())
        if after != session:
            after = await self._write(session, after)
        if failure is not None:
            raise failure
        return after

    async def try_visit(self, session: Session) -> Session:
        """Visit a session, and leave to its alarm whatever fails."""
        try:
            return await self.visit(session)
        except (FaceOutcomeUnknownError, StoreConflictError, StoreUnavailableError):
            return session

    async def _send_event(self, session: Session) -> Session:
        if session.event_due_since is None:
            return session
        if self.events is None:
            return stops.event_sent(session, self.rules.retention)
        try:
            check_verdict(session)
            await self.events.send_ending(session)
            if locked_until := await self._find_lock(session):
                await self.events.send_lock(session, locked_until)
        except (EventsUnavailableError, UnreadableRecordError) as error:
            # A forged pass is told when its row was mended, or never.
            waited = self.now() - session.event_due_since
            log_event_failure(self.log, error, waited, session_id=session.session_id)
            return stops.event_refused(session, self.rules.retention, self.now())
        self.log("event sent", session_id=session.session_id)
        return stops.event_sent(session, self.rules.retention)

    async def _find_lock(self, session: Session) -> datetime | None:
        end = end_entry(session)
        if session.person is None or end is None or end.type is not EntryType.FAILURE:
            return None
        ledger = await self.store.load_ledger(session.person, end.at)
        return limits.locked_by(end, ledger, self.rules.limits)

    async def _write(self, before: Session, after: Session) -> Session:
        try:
            return await self.store.replace(before, after)
        except StoreConflictError:
            if after.image != before.image and await self._is_unwanted(before.session_id):
                await self.images.delete(before.session_id)
            raise

    async def _is_unwanted(self, session_id: SessionId) -> bool:
        # Whoever removed the record, or found no picture, may have come before this one.
        known = await self.store.load(session_id)
        return known is None or known.image.state is ImageState.UNAVAILABLE

    async def _delete_at_face(self, session: Session) -> Session:
        if session.image.needs_face or not session.has_face_data:
            return session
        try:
            reply = await self.face.delete(session.kind, session.face_session_id)
            request_id = reply.request_id
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "delete", error)
            if not session.is_forgotten_by_face(self.now()):
                raise
            request_id = error.request_id
        known = session.after_call(FaceCall.DELETE, request_id)
        return transitions.face_data_deleted(known, self.rules.retention)

    async def _check_open_session(self, session: Session) -> SweepResult:
        now = self.now()
        if not (looks.is_look_due(session, now) or session.is_stale(now, self.rules.grace)):
            # Somebody has looked just now. What is stale is looked at for the last time.
            return SweepResult.SKIPPED
        # The sweep has an order of its own.
        async with self.looks.join(self.face, session, background_looks.NO_RANK) as look:
            decide = await self._ask_what_follows(session, look)
            change = await update.change(self.store, session, decide, self.rules, self.log)
        if not change.is_written:
            return SweepResult.SKIPPED
        if not change.after.is_final:
            return SweepResult.POSTPONED
        await self.try_visit(change.after)
        if change.after.status is Status.COMPLETED:
            return SweepResult.SETTLED
        return self._unless_forgotten(session, SweepResult.ABANDONED)

    async def _ask_what_follows(self, session: Session, look: Look) -> Decide:
        try:
            reply = await look
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "get", error)
            if not session.is_forgotten_by_face(self.now()):
                raise
            return lambda known: transitions.abandoned(known, self.now())
        return update.decide_after_call(
            lambda known: decisions.after_alarm(known, reply.value, self.rules, self.now()),
            FaceCall.GET,
            reply.request_id,
        )

    def _is_over(self, session: Session) -> bool:
        # What is left is an event that nobody has taken as long as there was a record.
        purge_at = stops.purge_at(session, self.rules.retention)
        return not session.has_face_data and self.now() >= purge_at

    def _result_of(self, before: Session, after: Session) -> SweepResult:
        if before.has_face_data:
            return self._unless_forgotten(before, SweepResult.DELETED)
        return SweepResult.UNSENT if after.event_due_since else SweepResult.SENT

    def _unless_forgotten(self, session: Session, result: SweepResult) -> SweepResult:
        # Then nobody can tell whether Face was heard.
        return SweepResult.FORGOTTEN if session.is_forgotten_by_face(self.now()) else result
