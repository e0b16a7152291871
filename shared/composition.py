"""Builds the app's parts once per process and joins them; hands out the clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from shared import telemetry
from shared.connections import Connections
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart, StartRules
from shared.flow.sweep import Sweep
from shared.flow.walk import Walk
from shared.session.decisions import Rules
from shared.session.face_answer import Quality
from shared.session.verdict import Policy
from shared.settings import DigestPolicy, Settings, VerifyImageHash
from shared.settings import load as load_settings

type Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, ready to use."""

    settings: Settings
    start: SessionStart
    flow: LivenessFlow
    sweep: Sweep
    now: Clock
    _connections: Connections

    async def close(self) -> None:
        """Close every connection that was opened for it."""
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


def build(
    settings: Settings,
    *,
    face: FaceGateway | None = None,
    store: SessionStore | None = None,
    now: Clock,
    log: LogEvent = telemetry.log_event,
) -> App:
    """Join the app's parts; what is given is used as it is, everything else is opened."""
    connections = Connections(settings, now)
    store = store or connections.open_store()
    face, _, slow_face = (face, face, face) if face else connections.open_face()
    rules = _rules(settings)
    walk = Walk(face=slow_face, store=store, rules=rules, now=now, log=log)
    return App(
        settings=settings,
        start=SessionStart(
            face=face,
            store=store,
            rules=_start_rules(settings),
            now=now,
            random_bytes=secrets.token_bytes,
            log=log,
        ),
        flow=LivenessFlow(
            face=face,
            store=store,
            walk=Walk(face=face, store=store, rules=rules, now=now, log=log),
            rules=rules,
            now=now,
            log=log,
        ),
        sweep=Sweep(walk=walk, store=store, now=now, log=log),
        now=now,
        _connections=connections,
    )


def _start_rules(settings: Settings) -> StartRules:
    return StartRules(
        grace=timedelta(seconds=settings.session_grace_seconds),
        max_open_sessions=settings.max_open_sessions,
        min_reference_quality=Quality(settings.min_reference_quality),
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        policy=Policy(
            digest_required=settings.digest_policy is DigestPolicy.REQUIRED,
            confidence_floor=settings.verify_confidence_floor,
            image_hash_required=settings.verify_image_hash is VerifyImageHash.REQUIRE,
        ),
        grace=timedelta(seconds=settings.session_grace_seconds),
        retention=timedelta(days=settings.retention_days),
    )
