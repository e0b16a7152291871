"""Start, complete, settle, cancel: a session's life, without HTTP or Azure."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import lifecycle, next_step, session_changes, sessions
from shared.errors import (
    DependencyError,
    FaceSilentError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnsettledError,
)
from shared.face_terms import FaceAnswer, ReferenceImage
from shared.next_step import Rules
from shared.ports import FaceGateway, SessionStore, Telemetry
from shared.secret import Secret
from shared.session_changes import Decision
from shared.sessions import RandomBytes, Report, Session, Status
from shared.start_request import StartRequest

Remind = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session that was just opened, with the two tokens that are seen this once."""

    session: Session
    auth_token: Secret
    session_token: Secret
    reference_image: ReferenceImage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessFlow:
    """What can happen to a session, and what is recorded of it."""

    face: FaceGateway
    store: SessionStore
    rules: Rules
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    note: Telemetry

    async def start(self, request: StartRequest) -> Started:
        """Open a session at Face, then record it with its alarm."""
        now = self.now()
        opened = await self.face.create(request)
        token = Secret(base64.urlsafe_b64encode(self.random_bytes(32)).decode().rstrip("="))
        session = lifecycle.started(
            request,
            opened.face_session_id,
            session_id=sessions.new_session_id(request.person, self.random_bytes),
            token=token,
            now=now,
            grace=self.rules.grace,
        )
        await self._record(session)
        self.note("session started", session_id=session.session_id, kind=session.kind)
        return Started(
            session=session,
            auth_token=opened.auth_token,
            session_token=token,
            reference_image=opened.reference_image,
        )

    async def status(self, session_id: str, token: Secret) -> Session:
        """Return a session to whoever holds its token."""
        # One read and one comparison whatever is wrong, so that nothing tells the cases apart.
        known = session_id if sessions.is_session_id(session_id) else sessions.NO_SESSION_ID
        session = await self.store.load(known)
        if not sessions.opens(token, session) or session is None:
            raise SessionNotFoundError("no such session")
        return session

    async def result(self, session_id: str) -> Session:
        """Return a session that has ended."""
        known = sessions.is_session_id(session_id)
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
        try:
            session = await self._change(session, decide)
        except StoreUnavailableError:
            remind(session_id)
            raise
        if session.status is Status.PROCESSING:
            remind(session_id)
        return await self._cleaned_up(session)

    async def settle(self, session_id: str, *, last_try: bool) -> None:
        """Record the ending of a message's session; the last try leaves that to the alarm."""
        try:
            session = await self._settled(session_id)
        except (DependencyError, SessionConflictError):
            if not last_try:
                raise
            self.note("message let go", session_id=session_id)
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
            session, lambda known: next_step.after_cancel(known, answer, self.rules, self.now())
        )
        await self._cleaned_up(changed)

    async def ring(self, session_id: str) -> str:
        """Do whatever a session's alarm was set for, and say what that was."""
        session = await self.store.load(session_id)
        if session is None or session.alarm_at > self.now():
            return "skipped"
        if not session.is_final:
            return await self._last_look(session)
        if session.at_face:
            return await self._forget(session)
        await self.store.purge(session)
        return "purged"

    async def _record(self, session: Session) -> None:
        try:
            await self.store.insert(session)
        except (StoreConflictError, StoreUnavailableError) as error:
            if await self._is_recorded(session):
                return
            await self._delete_at_face(session)
            raise StoreUnavailableError("the new session could not be recorded") from error

    async def _is_recorded(self, session: Session) -> bool:
        # The answer to our own write may be lost, and the repeat of it reports a conflict.
        try:
            found = await self.store.load(session.session_id)
        except StoreUnavailableError:
            return False
        return found is not None and found.token_hash == session.token_hash

    async def _ask(self, session: Session) -> FaceAnswer | None:
        return await self.face.get(session.kind, session.face_session_id)

    async def _after_completion(self, session: Session, report: Report) -> Decision:
        try:
            answer = await self._ask(session)
        except FaceSilentError as error:
            self._note_silence(session, error)
            return lambda known: next_step.after_unanswered_completion(known, report, self.now())
        return lambda known: next_step.after_completion(
            known, answer, report, self.rules, self.now()
        )

    async def _after_alarm(self, session: Session) -> Decision:
        try:
            answer = await self._ask(session)
        except FaceSilentError as error:
            self._note_silence(session, error)
            return lambda known: next_step.after_unanswered_alarm(known, self.now())
        return lambda known: next_step.after_alarm(known, answer, self.rules, self.now())

    async def _settled(self, session_id: str) -> Session | None:
        session = await self.store.load(session_id)
        if session is None or session.is_final:
            return None
        answer = await self._ask(session)
        changed = await self._change(
            session, lambda known: next_step.after_message(known, answer, self.rules, self.now())
        )
        return await self._cleaned_up(changed)

    async def _change(self, session: Session, decide: Decision) -> Session:
        return await session_changes.change(self.store, session, decide, self._note_ending)

    async def _cleaned_up(self, session: Session) -> Session:
        """Make one try to delete at Face what has ended; if it fails, the alarm has it."""
        if not session.is_final or not session.at_face or not await self._delete_at_face(session):
            return session
        try:
            return await self.store.replace(session, lifecycle.cleaned(session, self._retention))
        except (StoreConflictError, StoreUnavailableError):
            return session

    async def _last_look(self, session: Session) -> str:
        changed = await self._change(session, await self._after_alarm(session))
        if not changed.is_final:
            return "postponed"
        await self._cleaned_up(changed)
        return "settled" if changed.status is Status.COMPLETED else "abandoned"

    async def _forget(self, session: Session) -> str:
        gone = await self._delete_at_face(session)
        if gone or lifecycle.is_forgotten_by_face(session, self.now()):
            await self.store.replace(session, lifecycle.cleaned(session, self._retention))
            return "deleted"
        await self.store.replace(session, lifecycle.postponed(session, self.now()))
        return "postponed"

    async def _delete_at_face(self, session: Session) -> bool:
        try:
            await self.face.delete(session.kind, session.face_session_id)
        except FaceSilentError as error:
            self._note_silence(session, error)
            return False
        return True

    @property
    def _retention(self) -> timedelta:
        return self.rules.retention

    def _note_silence(self, session: Session, error: DependencyError) -> None:
        self.note("face silent", session_id=session.session_id, cause=error)

    def _note_ending(self, session: Session) -> None:
        if not session.is_final:
            return
        verdict = session.verdict
        self.note(
            "session ended",
            session_id=session.session_id,
            kind=session.kind,
            status=session.status,
            outcome=verdict and verdict.outcome,
            reasons=verdict and ",".join(verdict.reasons),
            model_version=verdict and verdict.model_version,
        )
