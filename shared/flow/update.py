"""Optimistic concurrency with retry: whoever loses a race reads again, and decides again."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import SessionConflictError, SessionNotFoundError, StoreConflictError
from shared.flow.ports import LogEvent, SessionStore
from shared.session import stops
from shared.session.decisions import Rules
from shared.session.face_reply import FaceCall
from shared.session.session import Session

MAX_UPDATE_ATTEMPTS = 5

_CHANGING = "the session kept changing"
# Those who were first are done by then, and another try finds what they have made of it.
_RETRY_AFTER_SECONDS = 1

type Decide = Callable[[Session], Session]


@dataclass(frozen=True, slots=True)
class Change:
    """A session as it was read and as it now stands: the same if this call wrote nothing."""

    before: Session
    after: Session

    @property
    def is_written(self) -> bool:
        """Was it this call that made the session what it is."""
        return self.before != self.after


def decide_after_call(decide: Decide, call: FaceCall, request_id: str | None) -> Decide:
    """Keep the id of the call that a decision rests on, where that changes anything at all."""

    def decide_and_keep(session: Session) -> Session:
        after = decide(session)
        return after if after == session else after.after_call(call, request_id)

    return decide_and_keep


async def change(
    store: SessionStore, session: Session, decide: Decide, rules: Rules, log: LogEvent
) -> Change:
    """Write what `decide` makes of a session, and log an ending; what has ended stays as it is."""
    for _ in range(MAX_UPDATE_ATTEMPTS):
        after = session if session.is_final else _with_event(decide(session), rules)
        if after == session:
            return Change(session, session)
        try:
            written = await store.replace(session, after)
        except StoreConflictError:
            session = await _reload(store, session)
        else:
            _log_ending(written, log)
            return Change(session, written)
    raise SessionConflictError(_CHANGING, retry_after_seconds=_RETRY_AFTER_SECONDS)


async def change_final(store: SessionStore, session: Session, decide: Decide) -> Change:
    """Write what `decide` makes of a session that has ended; its ending stays as it is."""
    for _ in range(MAX_UPDATE_ATTEMPTS):
        after = decide(session)
        if after == session:
            return Change(session, session)
        try:
            return Change(session, await store.replace(session, after))
        except StoreConflictError:
            session = await _reload(store, session)
    raise SessionConflictError(_CHANGING, retry_after_seconds=_RETRY_AFTER_SECONDS)


def _with_event(session: Session, rules: Rules) -> Session:
    if session.ended_at is None or not rules.sends_events:
        return session
    # With the ending, so that none is recorded without its event, and none is sent before it.
    return stops.event_due(session, session.ended_at)


async def _reload(store: SessionStore, session: Session) -> Session:
    found = await store.load(session.session_id)
    if found is None:
        raise SessionNotFoundError("no such session")
    return found


def _log_ending(session: Session, log: LogEvent) -> None:
    if not session.is_final:
        return
    verdict = session.verdict
    log(
        "session ended",
        session_id=session.session_id,
        kind=session.kind,
        status=session.status,
        outcome=verdict.outcome if verdict else None,
        reasons=",".join(session.reasons) if verdict or session.reasons else None,
        model_version=verdict.model_version if verdict else None,
        face_request_id=session.face_request_ids.get,
    )
