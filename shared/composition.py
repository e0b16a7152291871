"""Builds the app's parts once per process and joins them; hands out the clock."""

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from shared import telemetry
from shared.connections import Connections
from shared.flow import readiness
from shared.flow.erasure import Erasure
from shared.flow.images import SessionImages
from shared.flow.model_watch import ModelWatch
from shared.flow.persons import Persons
from shared.flow.ports import (
    AppSecret,
    EventTopic,
    FaceGateway,
    ImageStore,
    LogEvent,
    MessageQueue,
    SessionStore,
)
from shared.flow.readiness import Readiness
from shared.flow.references import References
from shared.flow.replay import Replay
from shared.flow.results import Results
from shared.flow.session_flow import LivenessFlow
from shared.flow.shared_looks import SharedLooks
from shared.flow.start import SessionStart
from shared.flow.sweep import Sweep
from shared.flow.turns import Turns
from shared.flow.walk import Walk
from shared.rules import session_rules, start_rules
from shared.session.decisions import Rules
from shared.settings import Settings
from shared.settings import load as load_settings
from shared.store.sealing import Seals

if TYPE_CHECKING:
    from shared.entra.token_check import TokenCheck

type Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, ready to use."""

    settings: Settings
    start: SessionStart
    flow: LivenessFlow
    results: Results
    queue_flow: LivenessFlow
    sweep: Sweep
    persons: Persons
    erasure: Erasure
    readiness: Readiness
    token_check: "TokenCheck | None"
    now: Clock
    _connections: Connections

    async def close(self) -> None:
        """Break off what runs in the background, and close every connection that was opened."""
        await self.readiness.close()
        await self.flow.looks.close()
        await self._connections.close()


def now() -> datetime:
    """Tell the time. This is the one clock: the local stack turns it by replacing this function."""
    return datetime.now(UTC)


@cache
def app() -> App:
    """Build everything on first use, in the running loop; ConfigurationError says why not."""
    telemetry.silence_sdk_logs()
    return build(load_settings(), now=now)


async def close() -> None:
    """Let go of the app that was built, if one was."""
    if app.cache_info().currsize:
        built = app()
        app.cache_clear()
        await built.close()


def build(  # noqa: PLR0913 - whatever a test may give
    settings: Settings,
    *,
    face: FaceGateway | None = None,
    store: SessionStore | None = None,
    queue: MessageQueue | None = None,
    images: ImageStore | None = None,
    events: EventTopic | None = None,
    app_secret: AppSecret | None = None,
    now: Clock,
    log: LogEvent = telemetry.log_event,
) -> App:
    """Join the app's parts; what is given is used as it is, everything else is opened."""
    connections = Connections(settings, now, lambda: str(uuid.uuid4()))
    app_secret = app_secret or connections.open_app_secret()
    parts = _Parts(
        store=store or connections.open_store(),
        queue=queue or connections.open_queue(),
        images=images or connections.open_images(),
        events=events or connections.open_events(),
        app_secret=app_secret,
        seals=Seals(app_secret.get, secrets.token_bytes),
        looks=SharedLooks(),
        settings=settings,
        now=now,
        log=ModelWatch(log),
    )
    return _join(parts, (face, face, face) if face else connections.open_face(), connections)


def _join(parts: "_Parts", faces: Sequence[FaceGateway], connections: Connections) -> App:
    live_face, queue_face, sweep_face = faces
    store, now, log = parts.store, parts.now, parts.log
    walk, erasure = parts.build_walk(sweep_face), parts.build_erasure(sweep_face)
    return App(
        settings=parts.settings,
        start=parts.build_start(live_face),
        flow=parts.build_flow(live_face),
        queue_flow=parts.build_flow(queue_face),
        results=Results(store=store, images=parts.build_images(live_face), now=now),
        sweep=Sweep(walk=walk, erasure=erasure, store=store, now=now, log=log),
        erasure=parts.build_erasure(live_face),
        persons=Persons(seals=parts.seals, store=store, now=now, log=log),
        readiness=Readiness(readiness.parts_of(parts, live_face), now),
        token_check=connections.open_token_check(),
        now=now,
        _connections=connections,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What start, flows and walks share, whichever client of Face they use."""

    store: SessionStore
    queue: MessageQueue
    images: ImageStore | None
    events: EventTopic | None
    app_secret: AppSecret
    seals: Seals
    looks: SharedLooks
    settings: Settings
    now: Clock
    log: LogEvent

    def build_start(self, face: FaceGateway) -> SessionStart:
        return SessionStart(
            face=face,
            store=self.store,
            references=References(
                store=self.store,
                images=self.build_images(face),
                max_age=timedelta(
                    days=min(self.settings.reference_max_age_days, self.settings.retention_days)
                ),
                now=self.now,
            ),
            seals=self.seals,
            replay=Replay(store=self.store, now=self.now),
            turns=Turns(max_wait_seconds=self.settings.face_budget_seconds),
            rules=start_rules(self.settings),
            now=self.now,
            random_bytes=secrets.token_bytes,
            log=self.log,
        )

    def build_images(self, face: FaceGateway) -> SessionImages:
        return SessionImages(
            face=face,
            store=self.images,
            attributes=self.settings.session_image_analysis,
            now=self.now,
            log=self.log,
        )

    @property
    def rules(self) -> Rules:
        return session_rules(self.settings, sends_events=self.events is not None)

    def build_walk(self, face: FaceGateway) -> Walk:
        return Walk(
            face=face,
            store=self.store,
            events=self.events,
            images=self.build_images(face),
            looks=self.looks,
            rules=self.rules,
            now=self.now,
            log=self.log,
        )

    def build_erasure(self, face: FaceGateway) -> Erasure:
        return Erasure(
            seals=self.seals,
            store=self.store,
            erasures=self.store.erasures,
            walk=self.build_walk(face),
            images=self.build_images(face),
            events=self.events,
            retention=timedelta(days=self.settings.retention_days),
            now=self.now,
            random_bytes=secrets.token_bytes,
            log=self.log,
        )

    def build_flow(self, face: FaceGateway) -> LivenessFlow:
        return LivenessFlow(
            face=face,
            store=self.store,
            queue=self.queue,
            walk=self.build_walk(face),
            looks=self.looks,
            rules=self.rules,
            now=self.now,
            log=self.log,
        )
