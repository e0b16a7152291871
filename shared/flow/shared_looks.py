"""One look at Face for all in this process who want the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.session.face_answer import FaceAnswer
from shared.session.face_reply import FaceReply
from shared.session.ids import FaceSessionId

type _Reply = FaceReply[FaceAnswer | None]
type Look = Callable[[], Coroutine[object, object, _Reply]]


@dataclass(frozen=True, slots=True)
class SharedLooks:
    """The looks that are under way; each is there until whoever began it has recorded it."""

    _running: dict[FaceSessionId, asyncio.Task[_Reply]] = field(default_factory=dict)

    @asynccontextmanager
    async def join(
        self, face_session_id: FaceSessionId, look: Look
    ) -> AsyncIterator[Awaitable[_Reply]]:
        """Give the look at a session that is under way, or begin one.

        Were it gone as soon as Face has answered, whoever has read the session before the answer
        was recorded would look once more.
        """
        running = self._running.get(face_session_id)
        if running is not None:
            yield asyncio.shield(running)
            return
        task = self._running[face_session_id] = asyncio.create_task(look())
        try:
            yield asyncio.shield(task)
        finally:
            del self._running[face_session_id]
