"""Builds the app once per process; hands out the clock."""

import secrets
import uuid
from datetime import UTC, datetime
from functools import cache

from shared import telemetry
from shared.app import App, Clock, RandomBytes
from shared.connections import Connections
from shared.flow.model_watch import ModelWatch
from shared.flow.ports import (
    AppSecret,
    EventTopic,
    FaceGateway,
    ImageStore,
    LogEvent,
    MessageQueue,
    SessionStore,
)
from shared.flow.shared_looks import SharedLooks
from shared.settings import Settings
from shared.settings import load as load_settings
from shared.store.sealing import Seals


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
    random_bytes: RandomBytes = secrets.token_bytes,
    now: Clock,
    log: LogEvent = telemetry.log_event,
) -> App:
    """Open the app's parts; what is given is used as it is."""
    connections = Connections(settings, now, lambda: str(uuid.uuid4()))
    live, queued, swept = (face, face, face) if face else connections.open_face()
    app_secret = app_secret or connections.open_app_secret()
    return App(
        settings=settings,
        face=live,
        queue_face=queued,
        sweep_face=swept,
        store=store or connections.open_store(),
        queue=queue or connections.open_queue(),
        images=images or connections.open_images(),
        events=events or connections.open_events(),
        app_secret=app_secret,
        token_check=connections.open_token_check(),
        seals=Seals(app_secret.get, secrets.token_bytes),
        looks=SharedLooks(),
        random_bytes=random_bytes,
        now=now,
        log=ModelWatch(log),
        _connections=connections,
    )
