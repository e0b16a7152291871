"""Status, complete, settle, cancel: what callers and messages do to a session after its start."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    EventsOffError,
    FaceOutcomeUnknownError,
    FaceUnavailableError,
    SessionNotFoundError,
    StoreUnavailableError,
)
from shared.flow import update
from shared.flow.face_failure import log_face_failure
from shared.flow.ports import FaceGateway, LogEvent, MessageQueue, SessionStore
from shared.flow.shared_looks import SharedLooks
from shared.flow.update import Decide
from shared.flow.walk import Walk
from shared.secret import Secret
from shared.session import background_looks, decisions, looks, missing_digest, stops
from shared.session.decisions import Rules
from shared.session.face_answer import FaceAnswer
from shared.session.face_reply import FaceCall
from shared.session.ids import NO_SESSION_ID, SessionId, is_session_id
from shared.session.late_digest import LateDigest
from shared.session.session import Report, Session, Status
from shared.session.session_token import NO_TOKEN_HASH, token_matches
from shared.session.timestamps import rfc3339
from shared.session.verdict_check import check_final, check_verdict

type DecideOnAnswer = Callable[[Session, FaceAnswer | None], Session]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """A session after a look, and why Face had no answer, if it had none."""

    session: Session
    failure: FaceOutcomeUnknownError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessFlow:
    """What callers and messages do to a session, and what is recorded of it."""

    face: FaceGateway
    store: SessionStore
    queue: MessageQueue
    walk: Walk
    looks: SharedLooks
    rules: Rules
    now: Callable[[], datetime]
    log: LogEvent

    async def load(self, session_id: str, token: Secret) -> Session:
        """Return a session to whoever holds its token."""
        # One read and one comparison whatever is wrong, so that nothing tells the cases apart.
        session = await self.store.load(session_id if is_session_id(session_id) else NO_SESSION_ID)
        matches = token_matches(token, session.token_hash if session else NO_TOKEN_HASH)
        if session is None or not matches or session.is_closed(self.now()):
            raise SessionNotFoundError("no such session")
        return session

    async def complete(self, session_id: str, token: Secret, report: Report) -> Session:
        """Record how a check ended, or see to it that somebody will."""
        session = await self.load(session_id, token)
        if not session.is_final:
            session = await self._record_completion(session, report)
        # It may have ended a moment ago, without this report.
        return await self._take_late_report(session, report)

    async def _record_completion(self, session: Session, report: Report) -> Session:
        if report.has_error:
            return await self._record(
                session,
                lambda known: decisions.after_failed_try(known, report, self.rules, self.now()),
            )
        if not looks.may_look_for(report, session, self.now()):
            return await self._record(
                session, lambda known: decisions.after_early_completion(known, report, self.now())
            )
        looked = await self._look(
            session,
            lambda known, answer: decisions.after_completion(
                known, answer, report, self.rules, self.now()
            ),
            lambda known: decisions.after_unanswered_completion(known, report, self.now()),
        )
        return looked.session

    async def settle(self, session_id: SessionId) -> None:
        """Look at a message's session, unless somebody else has; take on one that has ended."""
        session = await self._load_almost_due(session_id)
        if session is None:
            return
        if session.is_final:
            await self._walk(session)
        elif looks.is_look_due(session, self.now()):
            with self.looks.claim(session) as is_only_one:
                if is_only_one:
                    await self._look_for_message(session)

    async def _look_for_message(self, session: Session) -> None:
        await self._look(
            session,
            lambda known, answer: decisions.after_message(known, answer, self.rules, self.now()),
            lambda known: background_looks.with_empty_look_of_message(known, self.now()),
        )

    async def cancel(self, session_id: str, token: Secret) -> None:
        """Give a session up and revoke its token, unless the check had already finished."""
        session = await self.load(session_id, token)
        if session.is_final:
            return
        if wait := looks.seconds_until(session.cancel_look_at, self.now()):
            raise FaceUnavailableError("Face had no answer just now", retry_after_seconds=wait)
        looked = await self._look(
            session,
            lambda known, answer: decisions.after_cancel(known, answer, self.rules, self.now()),
            lambda known: looks.with_failed_cancel(known, self.now()),
        )
        if looked.failure is not None and not looked.session.is_final:
            wait = looks.seconds_until(looked.session.cancel_look_at, self.now())
            wait = max(wait, looked.failure.retry_after_seconds or 1)
            # Whatever Face said to us, to the frontend it is a matter of coming back.
            raise FaceUnavailableError(
                str(looked.failure), retry_after_seconds=wait
            ) from looked.failure

    async def resend_event(self, session_id: str) -> None:
        """Have the event of a session's end sent once more."""
        session = await self.store.load(session_id) if is_session_id(session_id) else None
        if session is None:
            raise SessionNotFoundError("no such session")
        check_final(session, self.now())
        if not self.rules.sends_events:
            raise EventsOffError("this deployment sends no events")
        check_verdict(session)
        change = await update.change_final(
            self.store, session, lambda known: stops.event_due(known, self.now())
        )
        await self._send_message(change.after, self.now())

    async def _take_late_report(self, session: Session, report: Report) -> Session:
        change = await update.change_final(
            self.store, session, lambda known: missing_digest.compared(known, report)
        )
        if change.is_written and change.after.late_digest is LateDigest.MISMATCHED:
            self.log("late digest mismatched", level=logging.WARNING, session_id=session.session_id)
        return change.after

    async def _walk(self, session: Session) -> None:
        # What failed before is left to the alarm, which comes again less and less often.
        if self.rules.walks_by_message and session.has_stops and not session.alarm_delays:
            await self.walk.try_visit(session)

    async def _load_almost_due(self, session_id: SessionId) -> Session | None:
        session = await self.store.load(session_id)
        # Storage may count in whole seconds, and the clocks of two hosts differ a little: rather
        # than leave the look to the alarm, wait for it.
        if session is not None and looks.seconds_until(session.look_at, self.now()) == 1:
            await asyncio.sleep(1)
            session = await self.store.load(session_id)
        return session

    async def _look(
        self, session: Session, answered: DecideOnAnswer, unanswered: Decide
    ) -> _Looked:
        async with self.looks.join(self.face, session, background_looks.rank_of(session)) as look:
            try:
                reply = await look
            except FaceOutcomeUnknownError as error:
                log_face_failure(self.log, session, "get", error)
                decide = update.decide_after_call(unanswered, FaceCall.GET, error.request_id)
                return _Looked(session=await self._record(session, decide), failure=error)
            decide = update.decide_after_call(
                lambda known: answered(known, reply.value), FaceCall.GET, reply.request_id
            )
            return _Looked(session=await self._record(session, decide))

    async def _record(self, session: Session, decide: Decide) -> Session:
        change = await update.change(self.store, session, decide, self.rules, self.log)
        if not change.is_written:
            return change.after
        if change.after.is_final:
            return await self._take_on(change.after)
        if at := looks.next_message_at(change.before, change.after):
            await self._send_message(change.after, at)
        return change.after

    async def _take_on(self, session: Session) -> Session:
        # Whoever wrote the ending goes on from there: one delete, however many learn of it. A
        # cancel revokes the token, so that nothing may come between.
        if not self.rules.walks_by_message or session.status is Status.CANCELED:
            return await self.walk.try_visit(session)
        await self._send_message(session, self.now())
        return session

    async def _send_message(self, session: Session, at: datetime) -> None:
        delay = timedelta(seconds=looks.seconds_until(at, self.now()))
        try:
            await self.queue.send(session.session_id, delay=delay)
        except StoreUnavailableError as error:
            # The alarm has the session.
            self.log(
                "message not sent",
                level=logging.WARNING,
                session_id=session.session_id,
                cause=error,
            )
        else:
            self.log("asked again later", session_id=session.session_id, at=rfc3339(at))
