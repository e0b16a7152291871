"""Builds the app's parts once per process and joins them; hands out the clock."""

import random
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from azure.identity.aio import DefaultAzureCredential

from shared import settings as environment
from shared import telemetry
from shared.face import protocol
from shared.face.client import AuthHeader, CallOptions, FaceClient
from shared.face.entra import EntraCredential
from shared.face.key_vault import KeyVaultCredential
from shared.face.pace import Pace
from shared.face.patience import Patience
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart, StartRules
from shared.flow.sweep import Sweep
from shared.session.decisions import Rules
from shared.session.verdict import Policy
from shared.settings import Settings
from shared.store.session_store import TableSessionStore

type _Closable = (
    FaceClient | KeyVaultCredential | EntraCredential | TableSessionStore | DefaultAzureCredential
)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, ready to use."""

    settings: Settings
    start: SessionStart
    flow: LivenessFlow
    sweep: Sweep
    _closes: tuple[_Closable, ...]

    async def close(self) -> None:
        """Close every connection; the platform never does, tests and the local host do."""
        for part in self._closes:
            await part.close()


def now() -> datetime:
    """Tell the time. This is the one clock: the local stack turns it by replacing this function."""
    return datetime.now(UTC)


@cache
def app() -> App:
    """Build everything on first use, in the running loop; ConfigurationError says why not."""
    telemetry.silence_sdk_logs()
    settings = environment.load()
    # A user-assigned identity is found by AZURE_CLIENT_ID, a developer by `az login`.
    credential = DefaultAzureCredential()
    store = TableSessionStore.connect(
        settings.storage, credential, timeout_seconds=settings.store_timeout_seconds
    )
    keys, header = _face_access(settings, credential)
    face = FaceClient.connect(settings.face_endpoint, keys, _call_rules(settings, header))
    start = SessionStart(
        face=face,
        store=store,
        rules=_start_rules(settings),
        now=_now,
        random_bytes=secrets.token_bytes,
        log=telemetry.log_event,
    )
    flow = LivenessFlow(
        face=face, store=store, rules=_rules(settings), now=_now, log=telemetry.log_event
    )
    # The sweep leaves the rest of Face's rate to those who wait for an answer.
    slow_face = face.paced(Pace(settings.sweep_face_calls_per_second).turn)
    sweep = Sweep(
        flow=replace(flow, face=slow_face), store=store, now=_now, log=telemetry.log_event
    )
    return App(
        settings=settings,
        start=start,
        flow=flow,
        sweep=sweep,
        _closes=(face, keys, store, credential),
    )


async def close() -> None:
    """Let go of the app that was built, if one was."""
    if app.cache_info().currsize:
        built = app()
        app.cache_clear()
        await built.close()


def _now() -> datetime:
    return now()


def _face_access(
    settings: Settings, credential: DefaultAzureCredential
) -> tuple[KeyVaultCredential | EntraCredential, AuthHeader]:
    if settings.face_by_entra:
        tokens = EntraCredential(credential, timeout_seconds=settings.key_timeout_seconds)
        return tokens, protocol.token_header
    keys = KeyVaultCredential.connect(
        settings.key_vault_url,
        credential,
        name=settings.face_key_secret_name,
        max_age=settings.face_key_cache,
        timeout_seconds=settings.key_timeout_seconds,
        now=_now,
    )
    return keys, protocol.key_header


def _call_rules(settings: Settings, header: AuthHeader) -> CallOptions:
    return CallOptions(
        header=header,
        timeout_seconds=settings.face_timeout_seconds,
        patience=Patience(budget_seconds=settings.face_budget_seconds, chance=random.random),
    )


def _start_rules(settings: Settings) -> StartRules:
    return StartRules(
        grace=settings.session_grace,
        max_open_sessions=settings.max_open_sessions,
        min_reference_quality=settings.min_reference_quality,
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        policy=Policy(
            digest_required=settings.digest_required,
            confidence_floor=settings.verify_confidence_floor,
            image_hash_required=settings.verify_image_hash_required,
        ),
        grace=settings.session_grace,
        retention=settings.retention,
    )
