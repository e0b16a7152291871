"""What a due alarm does: it ends what is over, deletes at Face what has ended, and purges."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import FaceOutcomeUnknownError, UnreadableRecordError
from shared.flow import update
from shared.flow.face_deletion import delete_ended_face_session, try_delete_face_session
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.flow.update import Decide
from shared.session import decisions, transitions
from shared.session.alarm import Alarm, SweepResult
from shared.session.decisions import Rules
from shared.session.ids import SessionId
from shared.session.session import Session, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Takes a session one step on, whenever its alarm is due, until nothing of it is left."""

    face: FaceGateway
    store: SessionStore
    rules: Rules
    now: Callable[[], datetime]
    log: LogEvent

    async def handle_alarm(self, session_id: SessionId, alarm: Alarm | None = None) -> SweepResult:
        """Do whatever a session's alarm was set for; without an alarm, its own is meant."""
        session = await self.store.load(session_id)
        if session is None:
            raise UnreadableRecordError("an alarm without its session")
        if alarm is not None and not alarm.is_own_of(session):
            session = await self.store.adopt_alarm(session, alarm)
        if session.alarm_at > self.now():
            return SweepResult.SKIPPED
        if not session.is_final:
            return await self._check_open_session(session)
        if session.has_face_data:
            return await self._delete_or_postpone(session)
        await self.store.purge(session)
        return SweepResult.PURGED

    async def _check_open_session(self, session: Session) -> SweepResult:
        decide = await self._ask_what_follows(session)
        change = await update.change(self.store, session, decide, self.log)
        if not change.is_written:
            return SweepResult.SKIPPED
        if not change.after.is_final:
            return SweepResult.POSTPONED
        await delete_ended_face_session(
            change.after, self.face, self.store, self.log, retention=self.rules.retention
        )
        completed = change.after.status is Status.COMPLETED
        return SweepResult.SETTLED if completed else SweepResult.ABANDONED

    async def _ask_what_follows(self, session: Session) -> Decide:
        try:
            answer = await self.face.get(session.kind, session.face_session_id)
        except FaceOutcomeUnknownError as error:
            self.log("face silent", session_id=session.session_id, operation="get", cause=error)
            return lambda known: decisions.after_unanswered_alarm(known, self.now())
        return lambda known: decisions.after_alarm(known, answer, self.rules, self.now())

    async def _delete_or_postpone(self, session: Session) -> SweepResult:
        deleted = await try_delete_face_session(session, self.face, self.log)
        if deleted or session.is_forgotten_by_face(self.now()):
            after = transitions.face_data_deleted(session, self.rules.retention)
            await self.store.replace(session, after)
            return SweepResult.DELETED
        await self.store.replace(session, transitions.postponed(session, self.now()))
        return SweepResult.POSTPONED
