"""The picture of a check: fetched from Face once, kept with the record, read, and gone with it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import FaceOutcomeUnknownError, ImageNotFoundError
from shared.flow.face_failure import log_face_failure
from shared.flow.ports import FaceGateway, ImageStore, LogEvent
from shared.session.face_answer import NoImage
from shared.session.face_reply import FaceCall, FaceReply
from shared.session.ids import SessionId, SessionImageId
from shared.session.kept_image import ImageState
from shared.session.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionImages:
    """Pictures, where this deployment has a place for them."""

    face: FaceGateway
    store: ImageStore | None
    attributes: tuple[str, ...]
    now: Callable[[], datetime]
    log: LogEvent

    async def keep(self, session: Session) -> Session:
        """Store a picture that is still at Face, or learn that it never will be had."""
        image_id = session.image.face_image_id
        if session.image.state is not ImageState.PENDING or image_id is None:
            return session
        if self.store is None:
            return self._give_up(session, NoImage.NO_PLACE)
        reply = await self._get(session, image_id)
        session = session.after_call(FaceCall.IMAGE, reply.request_id)
        if isinstance(reply.value, NoImage):
            # Whoever came by before may have kept it and deleted the rest, but not written it down.
            if await self.store.load(session.session_id) is None:
                return self._give_up(session, reply.value)
        else:
            await self.store.insert(session.session_id, reply.value)
        return replace(session, image=session.image.stored())

    async def analyze(self, session: Session) -> Session:
        """Ask Face what a picture shows, while Face has it."""
        image_id = session.image.face_image_id
        if not session.image.is_analysis_due or image_id is None:
            return session
        try:
            reply = await self.face.detect(image_id, self.attributes)
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "detect", error)
            if not session.is_forgotten_by_face(self.now()):
                raise
            reply = FaceReply(value=None, request_id=error.request_id)
        session = session.after_call(FaceCall.DETECT, reply.request_id)
        return replace(session, image=session.image.analyzed(reply.value))

    async def load(self, session: Session) -> bytes:
        """Read a session's picture; ImageNotFound if there is none, for whatever reason."""
        is_stored = session.image.state is ImageState.STORED
        image = await self.store.load(session.session_id) if self.store and is_stored else None
        if image is None:
            raise ImageNotFoundError("no such image")
        return image

    async def delete(self, session_id: SessionId) -> None:
        """Remove a session's picture, if there is one."""
        if self.store is not None:
            await self.store.delete(session_id)

    async def _get(self, session: Session, image_id: SessionImageId) -> FaceReply[bytes | NoImage]:
        try:
            return await self.face.get_image(image_id)
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "image", error)
            if not session.is_forgotten_by_face(self.now()):
                raise
            return FaceReply(value=NoImage.NOT_FOUND, request_id=error.request_id)

    def _give_up(self, session: Session, cause: NoImage) -> Session:
        self.log(
            "image unavailable",
            level=logging.WARNING,
            session_id=session.session_id,
            cause=cause,
        )
        return replace(session, image=session.image.unavailable())
