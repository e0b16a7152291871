"""Complete, settle, cancel, ring: a session's life after its start, without HTTP or Azure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    DependencyError,
    FaceOutcomeUnknownError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
    UnsettledError,
)
from shared.flow import update
from shared.flow.face_deletion import try_delete_face_session
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.flow.update import Decision
from shared.secret import Secret
from shared.session import decisions, transitions
from shared.session.alarm import Alarm
from shared.session.decisions import Rules
from shared.session.face_answer import FaceAnswer
from shared.session.session import (
    NO_SESSION_ID,
    Report,
    Session,
    Status,
    is_own_alarm,
    is_session_id,
    token_matches,
)

Remind = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessFlow:
    """What can happen to a session, and what is recorded of it."""

    face: FaceGateway
    store: SessionStore
    rules: Rules
    now: Callable[[], datetime]
    log: LogEvent

    async def status(self, session_id: str, token: Secret) -> Session:
        """Return a session to whoever holds its token."""
        # One read and one comparison whatever is wrong, so that nothing tells the cases apart.
        known = session_id if is_session_id(session_id) else NO_SESSION_ID
        session = await self.store.load(known)
        matches = token_matches(token, session)
        if session is None or not matches or session.is_closed(self.now()):
            raise SessionNotFoundError("no such session")
        return session

    async def result(self, session_id: str) -> Session:
        """Return a session that has ended."""
        known = is_session_id(session_id)
        session = await self.store.load(session_id) if known else None
        if session is None:
            raise SessionNotFoundError("no such session")
        if not session.is_final:
            raise SessionNotFinalError("the session has not ended")
        return session

    async def complete(
        self, session_id: str, token: Secret, report: Report, remind: Remind
    ) -> Session:
        """Record how a check ended, or see to it that somebody will."""
        session = await self.status(session_id, token)
        if session.is_final:
            return session
        decide = await self._after_completion(session, report)

        def told(before: Session, after: Session) -> None:
            self._note_ending(before, after)
            if not after.is_final and after.reminded_at != before.reminded_at:
                remind(session_id)

        try:
            session = await update.change(self.store, session, decide, told)
        except StoreUnavailableError:
            # A message would have the result judged without the digest that could not be kept;
            # the frontend may send it again until the alarm rings.
            if report.digest is None:
                remind(session_id)
            raise
        return await self._delete_face_session(session)

    async def settle(self, session_id: str, *, last_try: bool) -> None:
        """Record the ending of a message's session; the last try leaves that to the alarm."""
        try:
            session = await self._settled(session_id)
        except (DependencyError, SessionConflictError):
            if not last_try:
                raise
            self.log("message let go", session_id=session_id)
            return
        if session is not None and session.status is Status.PROCESSING and not last_try:
            raise UnsettledError("Face has no result yet")

    async def cancel(self, session_id: str, token: Secret) -> None:
        """Give a session up and revoke its token, unless the check had already finished."""
        session = await self.status(session_id, token)
        if session.is_final:
            return
        answer = await self._ask(session)
        changed = await self._change(
            session, lambda known: decisions.after_cancel(known, answer, self.rules, self.now())
        )
        await self._delete_face_session(changed)

    async def handle_alarm(self, session_id: str, alarm: Alarm | None = None) -> str:
        """Do whatever a session's alarm was set for, and say what that was."""
        session = await self.store.load(session_id)
        if session is None:
            raise UnreadableRecordError("an alarm without its session")
        if alarm is not None and not is_own_alarm(session, alarm.shard, alarm.due_at):
            session = await self.store.adopt_alarm(session, alarm)
        if session.alarm_at > self.now():
            return "skipped"
        if not session.is_final:
            return await self._check_open_session(session)
        if session.has_face_data:
            return await self._delete_or_postpone(session)
        await self.store.purge(session)
        return "purged"

    async def _ask(self, session: Session) -> FaceAnswer | None:
        return await self.face.get(session.kind, session.face_session_id)

    async def _after_completion(self, session: Session, report: Report) -> Decision:
        try:
            answer = await self._ask(session)
        except FaceOutcomeUnknownError as error:
            self._note_silence(session, error)
            return lambda known: decisions.after_unanswered_completion(known, report, self.now())
        return lambda known: decisions.after_completion(
            known, answer, report, self.rules, self.now()
        )

    async def _after_alarm(self, session: Session) -> Decision:
        try:
            answer = await self._ask(session)
        except FaceOutcomeUnknownError as error:
            self._note_silence(session, error)
            return lambda known: decisions.after_unanswered_alarm(known, self.now())
        return lambda known: decisions.after_alarm(known, answer, self.rules, self.now())

    async def _settled(self, session_id: str) -> Session | None:
        session = await self.store.load(session_id)
        if session is None or session.is_final:
            return None
        answer = await self._ask(session)
        changed = await self._change(
            session, lambda known: decisions.after_message(known, answer, self.rules, self.now())
        )
        return await self._delete_face_session(changed)

    async def _change(self, session: Session, decide: Decision) -> Session:
        return await update.change(self.store, session, decide, self._note_ending)

    async def _delete_face_session(self, session: Session) -> Session:
        """Make one try to delete at Face what has ended; if it fails, the alarm has it."""
        if (
            not session.is_final
            or not session.has_face_data
            or not await self._delete_at_face(session, patient=False)
        ):
            return session
        try:
            return await self.store.replace(
                session, transitions.face_data_deleted(session, self._retention)
            )
        except (StoreConflictError, StoreUnavailableError):
            return session

    async def _check_open_session(self, session: Session) -> str:
        ours: list[Session] = []

        def told(before: Session, after: Session) -> None:
            self._note_ending(before, after)
            ours.append(after)

        decide = await self._after_alarm(session)
        changed = await update.change(self.store, session, decide, told)
        if not ours:
            return "skipped"
        if not changed.is_final:
            return "postponed"
        await self._delete_face_session(changed)
        return "settled" if changed.status is Status.COMPLETED else "abandoned"

    async def _delete_or_postpone(self, session: Session) -> str:
        gone = await self._delete_at_face(session, patient=True)
        if gone or transitions.is_forgotten_by_face(session, self.now()):
            await self.store.replace(
                session, transitions.face_data_deleted(session, self._retention)
            )
            return "deleted"
        await self.store.replace(session, transitions.postponed(session, self.now()))
        return "postponed"

    async def _delete_at_face(self, session: Session, *, patient: bool) -> bool:
        return await try_delete_face_session(
            self.face,
            session.kind,
            session.face_session_id,
            self.log,
            session_id=session.session_id,
            patient=patient,
        )

    @property
    def _retention(self) -> timedelta:
        return self.rules.retention

    def _note_silence(self, session: Session, error: DependencyError) -> None:
        self.log("face silent", session_id=session.session_id, operation="get", cause=error)

    def _note_ending(self, _before: Session, session: Session) -> None:
        if not session.is_final:
            return
        verdict = session.verdict
        self.log(
            "session ended",
            session_id=session.session_id,
            kind=session.kind,
            status=session.status,
            outcome=verdict and verdict.outcome,
            reasons=verdict and ",".join(verdict.reasons),
            model_version=verdict and verdict.model_version,
        )
