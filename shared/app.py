"""The app: each of its parts is joined, and what it is made of loaded, when it is first wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared import rules
from shared.connections import Connections
from shared.flow.images import SessionImages
from shared.flow.ports import (
    AppSecret,
    EventTopic,
    FaceGateway,
    ImageStore,
    LogEvent,
    MessageQueue,
    SessionStore,
)
from shared.flow.references import References
from shared.flow.replay import Replay
from shared.flow.shared_looks import SharedLooks
from shared.flow.start import SessionStart
from shared.flow.turns import Turns
from shared.late_loading import load_later
from shared.settings import Settings
from shared.store.sealing import Seals

# A new instance has somebody waiting, mostly for a create; many instances do nothing else.
with load_later():
    import shared.flow.erasure
    import shared.flow.persons
    import shared.flow.readiness
    import shared.flow.results
    import shared.flow.session_flow
    import shared.flow.sweep
    import shared.flow.walk

if TYPE_CHECKING:
    from shared.entra.token_check import TokenCheck
    from shared.session.decisions import Rules

type Clock = Callable[[], datetime]
type RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True)
class App:
    """The app, ready to use: each part is joined when it is first asked for."""

    settings: Settings
    face: FaceGateway
    queue_face: FaceGateway
    sweep_face: FaceGateway
    store: SessionStore
    queue: MessageQueue
    images: ImageStore | None
    events: EventTopic | None
    app_secret: AppSecret
    token_check: "TokenCheck | None"
    seals: Seals
    looks: SharedLooks
    random_bytes: RandomBytes
    now: Clock
    log: LogEvent
    _connections: Connections

    async def close(self) -> None:
        """Break off what runs in the background, and close every connection that was opened."""
        await self.readiness.close()
        await self.looks.close()
        await self._connections.close()

    @cached_property
    def start(self) -> SessionStart:
        """What starts sessions."""
        settings = self.settings
        max_days = min(settings.reference_max_age_days, settings.retention_days)
        return SessionStart(
            face=self.face,
            store=self.store,
            references=References(
                store=self.store,
                images=self._join_images(self.face),
                max_age=timedelta(days=max_days),
                now=self.now,
            ),
            seals=self.seals,
            replay=Replay(store=self.store, now=self.now),
            turns=Turns(max_wait_seconds=settings.face_budget_seconds),
            rules=rules.start_rules(settings),
            now=self.now,
            random_bytes=self.random_bytes,
            log=self.log,
        )

    @cached_property
    def flow(self) -> "shared.flow.session_flow.LivenessFlow":
        """What becomes of a session whose caller waits."""
        return self._join_flow(self.face)

    @cached_property
    def queue_flow(self) -> "shared.flow.session_flow.LivenessFlow":
        """What becomes of a session that a message names."""
        return self._join_flow(self.queue_face)

    @cached_property
    def results(self) -> "shared.flow.results.Results":
        """What is told of how sessions ended."""
        images = self._join_images(self.face)
        return shared.flow.results.Results(store=self.store, images=images, now=self.now)

    @cached_property
    def sweep(self) -> "shared.flow.sweep.Sweep":
        """What does whatever is due."""
        return shared.flow.sweep.Sweep(
            walk=self._join_walk(self.sweep_face),
            erasure=self._join_erasure(self.sweep_face),
            store=self.store,
            now=self.now,
            log=self.log,
        )

    @cached_property
    def persons(self) -> "shared.flow.persons.Persons":
        """What operators ask of persons."""
        return shared.flow.persons.Persons(
            seals=self.seals, store=self.store, now=self.now, log=self.log
        )

    @cached_property
    def erasure(self) -> "shared.flow.erasure.Erasure":
        """What erases persons."""
        return self._join_erasure(self.face)

    @cached_property
    def readiness(self) -> "shared.flow.readiness.Readiness":
        """What says whether each part can be used."""
        parts = shared.flow.readiness.parts_of(self, self.face)
        return shared.flow.readiness.Readiness(parts, self.now)

    @property
    def _rules(self) -> "Rules":
        return rules.session_rules(self.settings, sends_events=self.events is not None)

    def _join_images(self, face: FaceGateway) -> SessionImages:
        return SessionImages(
            face=face,
            store=self.images,
            attributes=self.settings.session_image_analysis,
            now=self.now,
            log=self.log,
        )

    def _join_walk(self, face: FaceGateway) -> "shared.flow.walk.Walk":
        return shared.flow.walk.Walk(
            face=face,
            store=self.store,
            events=self.events,
            images=self._join_images(face),
            looks=self.looks,
            rules=self._rules,
            now=self.now,
            log=self.log,
        )

    def _join_erasure(self, face: FaceGateway) -> "shared.flow.erasure.Erasure":
        return shared.flow.erasure.Erasure(
            seals=self.seals,
            store=self.store,
            erasures=self.store.erasures,
            walk=self._join_walk(face),
            images=self._join_images(face),
            events=self.events,
            retention=timedelta(days=self.settings.retention_days),
            now=self.now,
            random_bytes=self.random_bytes,
            log=self.log,
        )

    def _join_flow(self, face: FaceGateway) -> "shared.flow.session_flow.LivenessFlow":
        return shared.flow.session_flow.LivenessFlow(
            face=face,
            store=self.store,
            queue=self.queue,
            walk=self._join_walk(face),
            looks=self.looks,
            rules=self._rules,
            now=self.now,
            log=self.log,
        )
