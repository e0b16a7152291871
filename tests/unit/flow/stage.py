"""The story on fakes: what it is made of, what comes in its way, and what it did."""

from dataclasses import dataclass, field

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart, Started, StartRules
from shared.flow.sweep import Sweep
from shared.flow.walk import Walk
from shared.session import transitions
from shared.session.face_answer import FaceAnswer
from shared.session.ids import RandomBytes, SessionId
from shared.session.session import Outcome, Session, Verdict
from shared.session.start_request import StartRequest
from tests.support.builders import (
    GRACE,
    NOW,
    RULES,
    SESSION_ID,
    START_RULES,
    TOKEN_LIFE,
    a_request,
    a_session,
)
from tests.support.fakes import Clock, FakeFace, MemoryStore, RecordedEvents, SequentialBytes

STALE = NOW + TOKEN_LIFE + GRACE
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


@dataclass
class Stage:
    """Every part of the story on one face, one store and one clock."""

    face: FakeFace = field(default_factory=FakeFace)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=Clock)
    events: RecordedEvents = field(default_factory=RecordedEvents)
    random_bytes: RandomBytes = field(default_factory=SequentialBytes)
    start_rules: StartRules = START_RULES
    reminders: list[SessionId] = field(default_factory=list)

    @property
    def start(self) -> SessionStart:
        return SessionStart(
            face=self.face,
            store=self.store,
            rules=self.start_rules,
            now=self.clock,
            random_bytes=self.random_bytes,
            log=self.events,
        )

    @property
    def flow(self) -> LivenessFlow:
        return LivenessFlow(
            face=self.face, store=self.store, rules=RULES, now=self.clock, log=self.events
        )

    @property
    def walk(self) -> Walk:
        return Walk(face=self.face, store=self.store, rules=RULES, now=self.clock, log=self.events)

    @property
    def sweep(self) -> Sweep:
        return Sweep(walk=self.walk, store=self.store, now=self.clock, log=self.events)

    @property
    def session(self) -> Session:
        """The session that `at` has put there."""
        return self.store.rows[SESSION_ID]

    def at(self, session: Session, answer: FaceAnswer | None) -> "Stage":
        self.store.hold(session)
        self.face.answer = answer
        return self

    async def create(self, request: StartRequest | None = None, key: str | None = None) -> Started:
        return await self.start.start(request or a_request(user="user-1"), key)
