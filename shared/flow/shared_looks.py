"""One look at Face for all in this process who want the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from shared.flow.ports import FaceGateway
from shared.session.face_answer import FaceAnswer
from shared.session.face_reply import FaceReply
from shared.session.ids import FaceSessionId, SessionId
from shared.session.session import Session

type _Reply = FaceReply[FaceAnswer | None]
type Look = Awaitable[_Reply]


@dataclass(frozen=True, slots=True)
class SharedLooks:
    """The looks that are under way; each is there until whoever began it has recorded it."""

    _running: dict[FaceSessionId, asyncio.Task[_Reply]] = field(default_factory=dict)
    _of_messages: set[SessionId] = field(default_factory=set)

    async def close(self) -> None:
        """Break off the looks that are under way, and wait for their ends."""
        for look in (running := list(self._running.values())):
            look.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @contextmanager
    def claim(self, session: Session) -> Iterator[bool]:
        """Tell whether a message is the only one here that looks at its session.

        Storage may bring a message twice, and whoever may write to the queue as often as he likes:
        each would wait for a turn of its own, and then ask, however many had asked meanwhile.
        """
        is_only_one = session.session_id not in self._of_messages
        self._of_messages.add(session.session_id)
        try:
            yield is_only_one
        finally:
            if is_only_one:
                self._of_messages.discard(session.session_id)

    @asynccontextmanager
    async def join(self, face: FaceGateway, session: Session, rank: float) -> AsyncIterator[Look]:
        """Give a look at a session, to be awaited once: the one that is under way, or a new one.

        Were it gone as soon as Face has answered, whoever has read the session before the answer
        was recorded would look once more. A turn is waited for before: a look that waits for its
        turn is under way for nobody, so that callers never wait for the queue's or the sweep's.
        """
        face_session_id, begun = session.face_session_id, list[FaceSessionId]()

        async def look() -> _Reply:
            await face.await_turn(rank)
            if face_session_id not in self._running:
                asked = face.get(session.kind, face_session_id)
                self._running[face_session_id] = asyncio.ensure_future(asked)
                begun.append(face_session_id)
            return await asyncio.shield(self._running[face_session_id])

        try:
            yield look()
        finally:
            for one in begun:
                del self._running[one]
