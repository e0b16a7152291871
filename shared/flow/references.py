"""Verify against the picture of an earlier check: enroll once, come back as often as you like."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import ImageNotFoundError, ReferenceUnusableError
from shared.flow.images import SessionImages
from shared.flow.ports import SessionStore
from shared.session.ids import is_session_id
from shared.session.session import Outcome, Session
from shared.session.shard import PersonHash
from shared.session.start_request import StartRequest
from shared.session.verdict_check import check_verdict

# What Face takes: https://learn.microsoft.com/azure/ai-services/computer-vision/reference-face-error-codes
_MAX_REFERENCE_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Finds the pictures that creates name by their sessions."""

    store: SessionStore
    images: SessionImages
    max_age: timedelta
    now: Callable[[], datetime]

    async def fetch(self, request: StartRequest, person: PersonHash | None) -> StartRequest:
        """Return a person's request with its reference image, or refuse it: ReferenceUnusable.

        UnreadableRecord where the pass is forged: its picture may be of a spoof.
        """
        if request.reference_session_id is None:
            return request
        session = await self._load(request.reference_session_id)
        if session is None or not self._may_serve(session, person):
            raise _unusable()
        check_verdict(session)
        try:
            image = await self.images.load(session)
        except ImageNotFoundError as error:
            raise _unusable() from error
        if len(image) > _MAX_REFERENCE_BYTES:
            raise _unusable()
        return replace(request, verify_image=image)

    async def _load(self, session_id: str) -> Session | None:
        return await self.store.load(session_id) if is_session_id(session_id) else None

    def _may_serve(self, session: Session, person: PersonHash | None) -> bool:
        has_passed = session.verdict is not None and session.verdict.outcome is Outcome.PASSED
        is_young = self.now() - session.created_at <= self.max_age
        # Nobody is not the same as nobody.
        return has_passed and is_young and person is not None and session.person == person


def _unusable() -> ReferenceUnusableError:
    return ReferenceUnusableError("the session has no picture to verify this person against")
