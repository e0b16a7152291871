"""The whole app in memory: built as ever, but for Face, the table, the clock and the log."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from shared import composition, settings
from shared.app import App
from shared.errors import AppError
from shared.secret import Secret
from shared.session.alarm import SweepResult
from shared.session.face_answer import FaceAnswer
from shared.session.ids import SessionId
from shared.session.session import Report, Session
from shared.session.start_request import StartRequest
from shared.session.started import Started
from shared.settings import Settings
from tests.support.builders import GRACE, SESSION_ID, TOKEN, TOKEN_LIFE, a_request
from tests.support.fakes import (
    Clock,
    FakeAppSecret,
    FakeFace,
    FakeQueue,
    FakeTopic,
    RecordedEvents,
    SequentialBytes,
)
from tests.support.faults import Crash, Faults
from tests.support.memory_images import ImagesInMemory
from tests.support.memory_table import StoreInMemory
from tests.support.rows import Row, flaws_in, rows_of, sessions_of

SETTINGS = settings.from_environment(
    {
        "FACE_ENDPOINT": "https://face.test",
        "KEY_VAULT_URL": "https://vault.test",
        "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==",
        "SWEEP_SCHEDULE": "0 * * * * *",
    }
)
FACE_CALLS = {"create", "get", "delete", "get_image", "detect"}
STALE = TOKEN_LIFE + GRACE + timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A session as the one who started it knows it."""

    request: StartRequest
    key: str | None
    started: Started

    @property
    def session(self) -> Session:
        return self.started.session

    @property
    def session_id(self) -> SessionId:
        return self.started.session.session_id

    @property
    def token(self) -> Secret:
        return self.started.session_token


@dataclass
class Stage:
    """One table, one Face, one clock, and as many processes of the app as a test likes."""

    face: FakeFace = field(default_factory=FakeFace)
    store: StoreInMemory = field(default_factory=StoreInMemory)
    app_secret: FakeAppSecret = field(default_factory=FakeAppSecret)
    clock: Clock = field(default_factory=Clock)
    events: RecordedEvents = field(default_factory=RecordedEvents)
    faults: Faults = field(default_factory=Faults)
    queue: FakeQueue = field(default_factory=FakeQueue)
    images: ImagesInMemory = field(default_factory=ImagesInMemory)
    topic: FakeTopic | None = None
    random_bytes: SequentialBytes = field(default_factory=SequentialBytes)
    settings: Settings = SETTINGS

    @property
    def app(self) -> App:
        """A process that has just begun, whose calls meet the stage's faults."""
        return self.process(self.faults)

    def process(self, faults: Faults | None = None) -> App:
        """Build the app anew, as a fresh process would."""
        faults = faults or Faults()
        return composition.build(
            self.settings,
            face=faults.around(self.face),
            store=faults.around(self.store),
            queue=faults.around(self.queue),
            images=self.images,
            events=faults.around(self.topic) if self.topic else None,
            app_secret=self.app_secret,
            random_bytes=self.random_bytes,
            now=self.clock,
            log=self.events,
        )

    # For tests that begin with a session that is there already.

    def at(self, session: Session, answer: FaceAnswer | None) -> Self:
        """Put the one session there, and let Face answer this."""
        self.store.hold(session)
        self.face.answer = answer
        return self

    @property
    def session(self) -> Session:
        """The one session, as it is recorded."""
        return self.store.sessions[SESSION_ID]

    @property
    def face_calls(self) -> list[str]:
        """What Face was asked, also where that failed."""
        return [call for call in self.faults.calls if call in FACE_CALLS]

    @property
    def messages(self) -> list[int]:
        """After how many seconds each message that was sent becomes visible."""
        return [int(delay.total_seconds()) for _, delay in self.queue.sent]

    async def complete_it(self, report: Report | None = None) -> Session:
        """Report of the one session."""
        return await self.app.flow.complete(SESSION_ID, TOKEN, report or Report())

    # What callers, the device and the platform do.

    async def case(self, key: str | None = None, answer: FaceAnswer | None = None) -> Case:
        """Start a session of somebody new, whose device has come as far as Face's answer says."""
        request = a_request(user=f"user-{len(self.face.created)}")
        started = await self.process().start.start(request, Secret(key) if key else None)
        case = Case(request=request, key=key, started=started)
        if answer is not None:
            self.play(case, answer)
        return case

    def play(self, case: Case, answer: FaceAnswer) -> None:
        """Let Face answer this for one session."""
        self.face.answers[case.session.face_session_id] = answer

    async def complete(self, app: App, case: Case, report: Report | None = None) -> Session:
        return await app.flow.complete(case.session_id, case.token, report or Report())

    async def cancel(self, app: App, case: Case) -> None:
        await app.flow.cancel(case.session_id, case.token)

    async def settle(self, app: App, case: Case) -> None:
        """Deliver a message at the moment when it becomes visible."""
        look_at = self.store.sessions[case.session_id].look_at
        self.clock.moment = max(self.clock.moment, look_at or self.clock.moment)
        await app.queue_flow.settle(case.session_id)

    async def handle_alarm(self, app: App, case: Case) -> SweepResult:
        return await app.sweep.walk.handle_alarm(case.session_id)

    async def sweep_after(self, *waits: timedelta) -> None:
        """Let time pass and run a fresh process's sweep, as often as there are waits."""
        for wait in waits:
            self.clock.advance(wait)
            await self.process().sweep.run()

    # What lies in the table.

    @property
    def rows(self) -> list[Row]:
        return [dict(row) for row, _ in self.store.table.rows.values()]

    @property
    def session_rows(self) -> list[Row]:
        return sessions_of(self.rows)

    @property
    def flaws(self) -> list[str]:
        return flaws_in(self.rows)

    def row(self, session_id: str) -> Row:
        return dict(self.store.table.rows[session_id[0], f"session-{session_id}"][0])

    def ending(self, case: Case) -> tuple[str, str | None]:
        """Return status and outcome."""
        row = self.row(case.session_id)
        return row["status"], row.get("outcome")

    def rows_of(self, case: Case) -> list[Row]:
        return rows_of(self.rows, case.session_id)


async def end_of[T](call: Awaitable[T]) -> T | AppError | Crash:
    """Run a call; whatever it ends with belongs to the test."""
    try:
        return await call
    except (Crash, AppError) as end:
        return end
