"""Builds the app's parts once per process and joins them; hands out the clock."""

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Protocol

from azure.identity.aio import DefaultAzureCredential

from shared import telemetry
from shared.entra.access_token import TokenRules
from shared.entra.signing_keys import SigningKeys
from shared.entra.token_check import TokenCheck
from shared.face import protocol
from shared.face.client import AuthHeader, CallOptions, FaceClient
from shared.face.credentials import FaceCredential
from shared.face.entra import EntraCredential
from shared.face.key_vault import KeyVaultCredential
from shared.face.pace import Pace
from shared.face.patience import Patience
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart, StartRules
from shared.flow.sweep import Sweep
from shared.flow.walk import Walk
from shared.session.decisions import Rules
from shared.session.face_answer import Quality
from shared.session.verdict import Policy
from shared.settings import DigestPolicy, FaceAuth, ServerAuth, Settings, VerifyImageHash
from shared.settings import load as load_settings
from shared.store.session_store import TableSessionStore

type Clock = Callable[[], datetime]


class _Closable(Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, ready to use."""

    settings: Settings
    start: SessionStart
    flow: LivenessFlow
    sweep: Sweep
    token_check: TokenCheck | None
    now: Clock
    _opened: tuple[_Closable, ...]

    async def close(self) -> None:
        """Close every connection that was opened for it, which the platform never does."""
        for part in self._opened:
            await part.close()


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
    edges = _Edges(settings, now)
    store = store or edges.open_store()
    # The sweep leaves the rest of Face's rate to those who wait for an answer.
    face, slow_face = (face, face) if face else edges.open_face()
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
        flow=LivenessFlow(face=face, store=store, rules=rules, now=now, log=log),
        sweep=Sweep(walk=walk, store=store, now=now, log=log),
        token_check=edges.open_token_check(),
        now=now,
        _opened=tuple(edges.opened),
    )


class _Edges:
    """Opens connections to what is outside, and remembers them."""

    def __init__(self, settings: Settings, now: Clock) -> None:
        self.opened: list[_Closable] = []
        self._settings = settings
        self._now = now

    def open_store(self) -> TableSessionStore:
        settings, seconds = self._settings, self._settings.store_timeout_seconds
        if settings.storage_connection is not None:
            return self._keep(
                TableSessionStore.from_connection_string(
                    settings.storage_connection, timeout_seconds=seconds
                )
            )
        return self._keep(
            TableSessionStore.connect(
                settings.table_service_uri, self._credential, timeout_seconds=seconds
            )
        )

    def open_face(self) -> tuple[FaceClient, FaceClient]:
        """Return the client for those who wait, and the one for the sweep."""
        credential, header = self._open_face_credential()
        options = _call_options(self._settings, header)
        face = self._keep(FaceClient.connect(self._settings.face_endpoint, credential, options))
        return face, face.with_rate_limit(Pace(self._settings.sweep_face_calls_per_second).acquire)

    def open_token_check(self) -> TokenCheck | None:
        """Return what checks callers' tokens; None where they come with keys."""
        settings = self._settings
        if settings.server_auth is ServerAuth.KEY:
            return None
        authority, tenant_id = settings.azure_authority_host, settings.entra_tenant_id
        keys = SigningKeys.connect(
            authority, tenant_id, timeout_seconds=settings.key_timeout_seconds, now=self._now
        )
        rules = TokenRules.of_tenant(
            tenant_id, authority=authority, audience=settings.entra_audience
        )
        return TokenCheck(keys=self._keep(keys), rules=rules)

    def _open_face_credential(self) -> tuple[FaceCredential, AuthHeader]:
        settings = self._settings
        if settings.face_auth is FaceAuth.ENTRA:
            tokens = EntraCredential(self._credential, timeout_seconds=settings.key_timeout_seconds)
            return tokens, protocol.token_header
        keys = KeyVaultCredential.connect(
            settings.key_vault_url,
            self._credential,
            name=settings.face_key_secret_name,
            max_age=timedelta(seconds=settings.face_key_cache_seconds),
            timeout_seconds=settings.key_timeout_seconds,
            now=self._now,
        )
        return self._keep(keys), protocol.key_header

    @cached_property
    def _credential(self) -> DefaultAzureCredential:
        # A user-assigned identity is found by AZURE_CLIENT_ID, a developer by `az login`.
        return self._keep(DefaultAzureCredential())

    def _keep[T: _Closable](self, part: T) -> T:
        self.opened.append(part)
        return part


def _call_options(settings: Settings, header: AuthHeader) -> CallOptions:
    return CallOptions(
        auth_header=header,
        timeout_seconds=settings.face_timeout_seconds,
        patience=Patience(budget_seconds=settings.face_budget_seconds, jitter=random.random),
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
