"""A random life of a few people and their sessions, and what must be so after every step of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from shared import composition
from shared.composition import App
from shared.errors import AppError, FaceUnavailableError
from shared.flow.ports import SessionStore
from shared.flow.start import Started
from shared.secret import Secret
from shared.session import idempotency
from shared.session.face_answer import FaceStatus
from shared.session.idempotency import Claim
from shared.session.ids import SessionId
from shared.session.session import Report, Session
from shared.session.shard import SHARDS, Shard, shard_of_person
from shared.session.start_request import StartRequest
from shared.store import row_keys
from tests.support.builders import (
    NOW,
    a_failed_attempt,
    a_passing_answer,
    a_request,
    a_running_answer,
    an_answer,
)
from tests.support.fakes import (
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
KEYS = ["k", "l"]
ANSWERS = [
    a_running_answer(),
    a_running_answer(),
    a_passing_answer(),
    an_answer(a_failed_attempt(), status=FaceStatus.RUNNING),
    None,
]
REPORTS = [Report(), Report(liveness_error="TimedOut")]
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
        """Compare every count, key and alarm with the sessions that are there."""
        sessions, claims = await self._sessions(), await self._claims()
        rung = [
            alarm
            for shard in SHARDS
            for alarm in await self.store.list_due(shard, END_OF_TIME, limit=1000)
        ]
        still_open = Counter(one.person_sha256 for one in sessions if not one.is_final)

        for request in REQUESTS:
            if request.person and request.person_sha256:
                shard = shard_of_person(request.person)
                counted = await self.store.count_open_sessions(shard, request.person_sha256)
                assert counted == still_open[request.person_sha256] <= MAX_OPEN_SESSIONS
        assert sorted(alarm.row_key for alarm in rung if alarm.session_id is None) == sorted(
            map(row_keys.claim_alarm_key, claims)
        )
        assert sorted((one.session_id, one.due_at) for one in rung if one.session_id) == sorted(
            (one.session_id, one.alarm_at) for one in sessions
        )
        if not self.a_delete_failed:
            assert self.face.alive == {one.face_session_id for one in sessions if one.has_face_data}

    async def _all_at_once(self, calls: list[Call]) -> None:
        for done in await asyncio.gather(*(call() for call in calls), return_exceptions=True):
            if isinstance(done, Started):
                self.tokens[done.session.session_id] = done.session_token
            elif isinstance(done, BaseException) and not isinstance(done, AppError):
                raise done

    def _a_start(self) -> Call:
        request, key = self.rng.choice(REQUESTS), self.rng.choice([None, *KEYS])
        return lambda: self._app.start.start(request, key)

    def _an_ending(self) -> Call:
        session_id = self.rng.choice(sorted(self.tokens))
        token = self.tokens[session_id]
        match self.rng.choice(["complete", "cancel", "settle"]):
            case "complete":
                report = self.rng.choice(REPORTS)
                return lambda: self._app.flow.complete(session_id, token, report)
            case "cancel":
                return lambda: self._app.flow.cancel(session_id, token)
            case _:
                return lambda: self._app.queue_flow.settle(session_id)

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

    async def _claims(self) -> list[Claim]:
        found = {
            await self.store.load_claim(_shard(request, key), idempotency.hash_key(key, request))
            for request in REQUESTS
            for key in KEYS
        }
        return [claim for claim in found if claim]

    @property
    def _app(self) -> App:
        app = composition.build(
            replace(SETTINGS, max_open_sessions=MAX_OPEN_SESSIONS),
            face=self.faults.around(self.face),
            store=self.store,
            queue=FakeQueue(),
            app_secret=FakeAppSecret(),
            now=self.clock,
            log=self.events,
        )
        # A walk that fails can be walked again.
        return replace(app, start=replace(app.start, random_bytes=self.random_bytes))


def _shard(request: StartRequest, key: str) -> Shard:
    return shard_of_person(request.person or key)
