"""Look, complete, settle, cancel: what is asked of a session after its start."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import (
    DependencyError,
    FaceOutcomeUnknownError,
    SessionConflictError,
    SessionNotFinalError,
    SessionNotFoundError,
    StoreUnavailableError,
    UnsettledError,
)
from shared.flow import update
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.flow.update import Change, Decide
from shared.flow.walk import Walk
from shared.secret import Secret
from shared.session import decisions
from shared.session.decisions import Rules
from shared.session.face_answer import FaceAnswer
from shared.session.ids import NO_SESSION_ID, SessionId, is_session_id
from shared.session.session import Report, Session, Status
from shared.session.session_token import NO_TOKEN_HASH, token_matches

type Remind = Callable[[SessionId], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessFlow:
    """What callers and messages do to a session, and what is recorded of it."""

    face: FaceGateway
    store: SessionStore
    walk: Walk
    rules: Rules
    now: Callable[[], datetime]
    log: LogEvent

    async def load(self, session_id: str, token: Secret) -> Session:
        """Return a session to whoever holds its token."""
        # One read and one comparison whatever is wrong, so that nothing tells the cases apart.
        session = await self.store.load(session_id if is_session_id(session_id) else NO_SESSION_ID)
        matches = token_matches(token, session.token_hash if session else NO_TOKEN_HASH)
        if session is None or not matches:
            raise SessionNotFoundError("no such session")
        return session

    async def load_result(self, session_id: str) -> Session:
        """Return a session that has ended."""
        session = await self.store.load(session_id) if is_session_id(session_id) else None
        if session is None:
            raise SessionNotFoundError("no such session")
        if not session.is_final:
            raise SessionNotFinalError("the session has not ended")
        return session

    async def complete(
        self, session_id: str, token: Secret, report: Report, remind: Remind
    ) -> Session:
        """Record how a check ended, or see to it that somebody will."""
        session = await self.load(session_id, token)
        if session.is_final:
            return session
        decide = await self._ask_what_follows(session, report)
        try:
            change = await update.change(self.store, session, decide, self.log)
        except StoreUnavailableError:
            # A message would have the result judged without the digest that could not be kept;
            # the frontend may send it again until the alarm is due.
            if report.digest is None:
                remind(session.session_id)
            raise
        if not change.after.is_final and change.after.reminded_at != change.before.reminded_at:
            remind(session.session_id)
        return await self._visit(change)

    async def settle(self, session_id: SessionId, *, last_try: bool) -> None:
        """Record the ending of a message's session; the last try leaves that to the alarm."""
        try:
            session = await self._try_settle(session_id)
        except (DependencyError, SessionConflictError):
            if not last_try:
                raise
            self.log("message let go", session_id=session_id)
            return
        if session is not None and session.status is Status.PROCESSING and not last_try:
            raise UnsettledError("Face has no result yet")

    async def cancel(self, session_id: str, token: Secret) -> None:
        """Give a session up and revoke its token, unless the check had already finished."""
        session = await self.load(session_id, token)
        if session.is_final:
            return
        answer = await self._ask(session)
        await self._change(
            session, lambda known: decisions.after_cancel(known, answer, self.rules, self.now())
        )

    async def _try_settle(self, session_id: SessionId) -> Session | None:
        session = await self.store.load(session_id)
        if session is None or session.is_final:
            return None
        answer = await self._ask(session)
        return await self._change(
            session, lambda known: decisions.after_message(known, answer, self.rules, self.now())
        )

    async def _ask(self, session: Session) -> FaceAnswer | None:
        return await self.face.get(session.kind, session.face_session_id)

    async def _ask_what_follows(self, session: Session, report: Report) -> Decide:
        try:
            answer = await self._ask(session)
        except FaceOutcomeUnknownError as error:
            self.log("face silent", session_id=session.session_id, operation="get", cause=error)
            return lambda known: decisions.after_unanswered_completion(known, report, self.now())
        return lambda known: decisions.after_completion(
            known, answer, report, self.rules, self.now()
        )

    async def _change(self, session: Session, decide: Decide) -> Session:
        change = await update.change(self.store, session, decide, self.log)
        return await self._visit(change)

    async def _visit(self, change: Change) -> Session:
        # Whoever wrote the ending goes on from there: one delete, however many learn of it.
        if change.is_written and change.after.is_final:
            return await self.walk.try_visit(change.after)
        return change.after
