"""One session on the whole app in memory, in every state of its life."""

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.session import transitions
from shared.session.face_answer import FaceAnswer
from shared.session.session import Outcome, Report, Session, Verdict
from tests.support import stage
from tests.support.builders import GRACE, NOW, SESSION_ID, TOKEN, TOKEN_LIFE, a_session

STALE_AT = NOW + TOKEN_LIFE + GRACE
STARTED = a_session()
PROCESSING = transitions.processing(STARTED, NOW)
OPEN = [pytest.param(STARTED, id="started"), pytest.param(PROCESSING, id="processing")]
FINAL = [
    pytest.param(
        transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW), id="completed"
    ),
    pytest.param(transitions.abandoned(STARTED, NOW), id="abandoned"),
    pytest.param(transitions.canceled(STARTED, NOW), id="canceled"),
]
# Each of them leaves open what Face would have said, or what it has done.
UNKNOWN_OUTCOMES = [
    pytest.param(FaceUnavailableError("down"), id="FaceUnavailable"),
    pytest.param(FaceRefusedError("no"), id="FaceRefused"),
    pytest.param(KeyUnavailableError("no key"), id="KeyUnavailable"),
]


class Stage(stage.Stage):
    """A stage with one session on it."""

    @property
    def session(self) -> Session:
        return self.store.sessions[SESSION_ID]

    @property
    def face_calls(self) -> list[str]:
        """What Face was asked, also where that failed."""
        return [call for call in self.faults.calls if call in {"create", "get", "delete"}]

    async def complete_it(self, report: Report | None = None) -> Session:
        return await self.app.flow.complete(SESSION_ID, TOKEN, report or Report())

    @property
    def messages(self) -> list[int]:
        """After how many seconds each message that was sent becomes visible."""
        return [int(delay.total_seconds()) for _, delay in self.queue.sent]

    def at(self, session: Session, answer: FaceAnswer | None) -> "Stage":
        """Put the session there, and let Face answer this."""
        self.store.hold(session)
        self.face.answer = answer
        return self
