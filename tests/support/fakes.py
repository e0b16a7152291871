"""What the app needs from outside, in memory; tests/support/faults.py lets it fail."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.face.rate_limiter import LAST_RANK
from shared.secret import Secret
from shared.session.erasure import Receipt
from shared.session.face_answer import (
    FaceAnswer,
    FaceSession,
    NoImage,
    Quality,
    ReferenceImage,
)
from shared.session.face_reply import FaceReply
from shared.session.ids import FaceSessionId, SessionId, SessionImageId
from shared.session.session import Kind, Session
from shared.session.start_request import StartRequest
from shared.store.sealing import Sealer
from tests.support.builders import NOW, a_running_answer


@dataclass
class Clock:
    """A clock that only a test turns."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class LoopClock(Clock):
    """A clock that goes on as the running loop sleeps, and that a test may turn besides."""

    def __call__(self) -> datetime:
        return self.moment + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class SequentialBytes:
    """Random bytes that never repeat and never surprise."""

    drawn: int = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "little")


APP_SECRET = Secret("an app's secret of 32 characters")
SEALER = Sealer(APP_SECRET, secrets.token_bytes)


@dataclass
class FakeAppSecret:
    """The app's own secret, or none."""

    fails: Exception | None = None
    asked: int = 0

    async def get(self) -> Secret:
        self.asked += 1
        if self.fails:
            raise self.fails
        return APP_SECRET

    async def check(self) -> None:
        await self.get()


@dataclass
class RecordedEvents:
    """Telemetry that remembers."""

    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, /, **facts: object) -> None:
        # What is None is left out of a log line, too.
        self.facts.append((event, {name: fact for name, fact in facts.items() if fact is not None}))

    def named(self, event: str) -> list[dict[str, object]]:
        return [facts for name, facts in self.facts if name == event]


@dataclass
class FakeQueue:
    """A queue that keeps its messages, with their delays, for a test to deliver."""

    sent: list[tuple[SessionId, timedelta]] = field(default_factory=list)

    async def send(self, session_id: SessionId, *, delay: timedelta) -> None:
        self.sent.append((session_id, delay))

    async def check(self) -> None:
        pass


@dataclass
class FakeTopic:
    """Who is told; keeps by whose end it was."""

    told: list[Session] = field(default_factory=list)
    locked: list[tuple[SessionId, datetime]] = field(default_factory=list)
    erased: list[Receipt] = field(default_factory=list)

    async def send_ending(self, session: Session) -> None:
        self.told.append(session)

    async def send_lock(self, session: Session, locked_until: datetime) -> None:
        self.locked.append((session.session_id, locked_until))

    async def send_erasure(self, receipt: Receipt) -> None:
        self.erased.append(receipt)

    async def check(self) -> None:
        pass


@dataclass
class FakeFace:
    """Face, with one answer, or error, for whoever has none of his own; what is deleted is gone."""

    answer: FaceAnswer | None = field(default_factory=a_running_answer)
    answers: dict[str, FaceAnswer] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    reference_image: ReferenceImage | None = field(
        default_factory=lambda: ReferenceImage(quality=Quality.HIGH, face_rectangle=None)
    )
    images: dict[SessionImageId, bytes | NoImage] = field(default_factory=dict)
    faces: str | None = "[]"
    request_ids: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    created: list[StartRequest] = field(default_factory=list)
    asked_about: list[str] = field(default_factory=list)
    # Waits for a call's turn.
    acquire: Callable[[float], Awaitable[None]] | None = None
    deleted: list[str] = field(default_factory=list)
    # Happens at Face, in every call.
    on_call: Callable[[], Awaitable[None]] | None = None

    @property
    def alive(self) -> set[str]:
        """The sessions that were created here and not deleted since."""
        return {f"face-{number + 1}" for number in range(len(self.created))} - set(self.deleted)

    async def create(self, request: StartRequest) -> FaceSession:
        await self._enter("create")
        self.created.append(request)
        number = len(self.created)
        return FaceSession(
            face_session_id=FaceSessionId(f"face-{number}"),
            auth_token=Secret(f"face-auth-token-{number}"),
            model_version="2024-11-15",
            reference_image=self.reference_image if request.verify_image else None,
        )

    async def await_turn(self, rank: float) -> None:
        if self.acquire is not None:
            await self.acquire(rank)

    async def get(self, kind: Kind, face_session_id: FaceSessionId) -> FaceReply[FaceAnswer | None]:  # noqa: ARG002
        await self._enter("get", has_turn=True)
        self.asked_about.append(face_session_id)
        if face_session_id in self.errors:
            raise self.errors[face_session_id]
        is_known = face_session_id not in self.deleted
        answer = self.answers.get(face_session_id, self.answer) if is_known else None
        return FaceReply(value=answer, request_id=self.request_ids.get("get"))

    async def delete(self, kind: Kind, face_session_id: FaceSessionId) -> FaceReply[None]:  # noqa: ARG002
        await self._enter("delete")
        self.deleted.append(face_session_id)
        return FaceReply(value=None, request_id=self.request_ids.get("delete"))

    async def get_image(self, image_id: SessionImageId) -> FaceReply[bytes | NoImage]:
        await self._enter("image")
        image = self.images.get(image_id, NoImage.NOT_FOUND)
        return FaceReply(value=image, request_id=self.request_ids.get("image"))

    async def detect(
        self,
        image_id: SessionImageId,
        attributes: tuple[str, ...],  # noqa: ARG002
    ) -> FaceReply[str | None]:
        await self._enter("detect")
        faces = self.faces if image_id in self.images else None
        return FaceReply(value=faces, request_id=self.request_ids.get("detect"))

    async def _enter(self, operation: str, *, has_turn: bool = False) -> None:
        self.calls.append(operation)
        if not has_turn:
            await self.await_turn(LAST_RANK)
        if self.on_call is not None:
            await self.on_call()
        # What happens at the same moment comes in between here.
        await asyncio.sleep(0)
