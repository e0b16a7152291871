"""Builds the app's parts once per process and joins them; hands out the clock."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from azure.identity.aio import DefaultAzureCredential

from shared import settings as environment
from shared import telemetry
from shared.face_client import FaceClient
from shared.face_keys import KeyVaultKeys
from shared.liveness_flow import LivenessFlow
from shared.next_step import Rules
from shared.session_store import TableSessionStore
from shared.settings import Settings
from shared.sweep import Sweep
from shared.verdict import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, ready to use."""

    settings: Settings
    flow: LivenessFlow
    sweep: Sweep
    _closes: tuple[FaceClient | KeyVaultKeys | TableSessionStore | DefaultAzureCredential, ...]

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
    telemetry.quiet_the_sdks()
    settings = environment.load()
    # A user-assigned identity is found by AZURE_CLIENT_ID, a developer by `az login`.
    credential = DefaultAzureCredential()
    store = TableSessionStore.connect(
        settings.storage_connection,
        settings.table_service_url or "",
        credential,
        timeout_seconds=settings.store_timeout_seconds,
    )
    keys = KeyVaultKeys.connect(
        settings.key_vault_url,
        credential,
        name=settings.face_key_secret_name,
        longest_age=settings.face_key_cache,
        timeout_seconds=settings.key_timeout_seconds,
        now=_now,
    )
    face = FaceClient.connect(
        settings.face_endpoint, keys, timeout_seconds=settings.face_timeout_seconds
    )
    flow = LivenessFlow(
        face=face,
        store=store,
        rules=_rules(settings),
        now=_now,
        random_bytes=secrets.token_bytes,
        note=telemetry.note,
    )
    sweep = Sweep(flow=flow, store=store, now=_now, note=telemetry.note)
    return App(settings=settings, flow=flow, sweep=sweep, _closes=(face, keys, store, credential))


async def close() -> None:
    """Let go of the app that was built, if one was."""
    if app.cache_info().currsize:
        built = app()
        app.cache_clear()
        await built.close()


def _now() -> datetime:
    return now()


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
