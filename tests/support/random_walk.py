"""A random life of a few people and their sessions, and what must be so after every step of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from shared import composition
from shared.app import App
from shared.errors import AppError, FaceUnavailableError
from shared.flow.ports import SessionStore
from shared.secret import Secret
from shared.session.face_answer import FaceStatus
from shared.session.ids import SessionId
from shared.session.late_digest import LateDigest
from shared.session.session import Report, Session, Status
from shared.session.shard import SHARDS
from shared.session.started import Started
from shared.settings import DigestPolicy
from tests.support.builders import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    a_failed_attempt,
    a_passing_answer,
    a_request,
    a_running_answer,
    an_answer,
    an_attempt,
)
from tests.support.fakes import (
    SEALER,
    Clock,
    FakeAppSecret,
    FakeFace,
    FakeQueue,
    RecordedEvents,
    SequentialBytes,
)
from tests.support.faults import Faults
from tests.support.stage import SETTINGS

type Call = Callable[[], Awaitable[object]]

MAX_OPEN_SESSIONS = 3
END_OF_TIME = NOW + timedelta(days=10_000)
# A user, the same user elsewhere, a device of the user's name, and nobody in particular.
REQUESTS = [
    a_request(user="u"),
    a_request(user="u", device=None),
    a_request(device="u"),
    a_request(device=None),
]
PEOPLE = {SEALER.hash_person(one.person.kind, one.person.id) for one in REQUESTS if one.person}
KEYS = [Secret("k"), Secret("l")]
ANSWERS = [
    a_running_answer(),
    a_running_answer(),
    a_passing_answer(),
    an_answer(replace(an_attempt(), liveness_decision="spoofface")),
    an_answer(a_failed_attempt(), status=FaceStatus.RUNNING),
    None,
]
REPORTS = [
    Report(), Report(liveness_error="TimedOut"), Report(digest=DIGEST), Report(digest=OTHER_DIGEST),
]  # fmt: skip
WAITS = [
    timedelta(minutes=1), timedelta(minutes=11), timedelta(minutes=16), timedelta(hours=25),
    timedelta(days=91),
]  # fmt: skip


@dataclass
class Walk:
    """People who start, repeat, finish and give up; time, the sweep, and Face in every mood."""

    store: SessionStore
    rng: Random
    face: FakeFace = field(default_factory=FakeFace)
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=Clock)
    events: RecordedEvents = field(default_factory=RecordedEvents)
    random_bytes: SequentialBytes = field(default_factory=SequentialBytes)
    tokens: dict[SessionId, Secret] = field(default_factory=dict)
    endings: dict[SessionId, Session] = field(default_factory=dict)
    a_delete_failed: bool = False

    async def step(self) -> None:
        """Do one thing, or a few at the same moment."""
        match self.rng.choice(["start", "start", "start", "end", "end", "clash", "face", "time"]):
            case "start":
                await self._all_at_once([self._a_start() for _ in range(self.rng.randint(1, 4))])
            case "end" if self.tokens:
                await self._all_at_once([self._an_ending() for _ in range(self.rng.randint(1, 3))])
            case "clash" if self.tokens:
                await self._all_at_once([self._a_start(), self._an_ending(), self._a_start()])
            case "face":
                self._turn_face()
            case "time":
                self.clock.advance(self.rng.choice(WAITS))
                await self._app.sweep.run()

    async def check(self) -> None:
        """Compare every slot and alarm with the sessions that are there."""
        sessions, now = await self._sessions(), self.clock()
        rung = [
            alarm
            for shard in SHARDS
            for alarm in await self.store.list_due(shard, END_OF_TIME, limit=1000)
        ]
        for person in PEOPLE:
            ledger = await self.store.load_ledger(person, now)
            held = [slot.session_id for slot in ledger.slots if slot.is_open(now)]
            mine = [one for one in sessions if one.person == person and now < one.expires_at]
            open_ones = {one.session_id for one in mine if not one.is_final}
            kept = {one.session_id for one in mine if one.ended_at and one.slot_number is not None}
            assert open_ones <= set(held) <= open_ones | kept
            assert len(held) <= MAX_OPEN_SESSIONS
        assert sorted((one.session_id, one.due_at) for one in rung if one.session_id) == sorted(
            (one.session_id, one.alarm_at) for one in sessions
        )
        for session in sessions:
            self._check_digests(session)
        if not self.a_delete_failed:
            assert self.face.alive == {one.face_session_id for one in sessions if one.has_face_data}

    def _check_digests(self, session: Session) -> None:
        """An outcome stands whatever comes late, and of what comes late the first counts."""
        if session.awaits_digest:
            assert (session.status, session.report.has_digest) == (Status.PROCESSING, False)
            assert session.alarm_at >= session.expires_at
        if not session.is_final:
            return
        before = self.endings.get(session.session_id)
        if before is not None and before.created_at == session.created_at:
            assert (session.verdict, session.report) == (before.verdict, before.report)
            assert before.late_digest in {LateDigest.NONE, session.late_digest}
        if session.late_digest is not LateDigest.NONE:
            assert session.verdict is not None
            assert not session.report.has_digest
        self.endings[session.session_id] = session

    async def _all_at_once(self, calls: list[Call]) -> None:
        for done in await asyncio.gather(*(call() for call in calls), return_exceptions=True):
            if isinstance(done, Started):
                token = self.tokens.setdefault(done.session.session_id, done.session_token)
                assert token == done.session_token
            elif isinstance(done, BaseException) and not isinstance(done, AppError):
                raise done

    def _a_start(self) -> Call:
        request = self.rng.choice(REQUESTS)
        key = self.rng.choice([None, *KEYS]) if request.person else None
        # Built before anybody waits: it draws, and hypothesis may end a walk wherever it draws.
        app = self._app
        return lambda: app.start.start(request, key)

    def _an_ending(self) -> Call:
        session_id = self.rng.choice(sorted(self.tokens))
        token, app = self.tokens[session_id], self._app
        match self.rng.choice(["complete", "cancel", "settle"]):
            case "complete":
                report = self.rng.choice(REPORTS)
                return lambda: app.flow.complete(session_id, token, report)
            case "cancel":
                return lambda: app.flow.cancel(session_id, token)
            case _:
                return lambda: app.queue_flow.settle(session_id)

    def _turn_face(self) -> None:
        self.face.answer = self.rng.choice(ANSWERS)
        self.faults.clear()
        for call in ("create", "get", "delete"):
            if self.rng.random() < 0.2:
                self.faults.fail(call, FaceUnavailableError("down"))
                self.a_delete_failed |= call == "delete"

    async def _sessions(self) -> list[Session]:
        # These bytes can give the id of a purged session to another.
        ids = dict.fromkeys(fact["session_id"] for fact in self.events.named("session started"))
        found = [await self.store.load(SessionId(str(session_id))) for session_id in ids]
        return [session for session in found if session]

    @property
    def _app(self) -> App:
        return composition.build(
            replace(
                SETTINGS,
                max_open_sessions=MAX_OPEN_SESSIONS,
                digest_policy=self.rng.choice(list(DigestPolicy)),
            ),
            face=self.faults.around(self.face),
            store=self.store,
            queue=FakeQueue(),
            app_secret=FakeAppSecret(),
            random_bytes=self.random_bytes,
            now=self.clock,
            log=self.events,
        )
