"""Opens what is outside the process, each once, as the settings say; nothing is sent yet."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from azure.identity.aio import DefaultAzureCredential

from shared.face import protocol
from shared.face.app_secret import VaultAppSecret, parse_app_secret
from shared.face.call_options import CallOptions
from shared.face.choices import FaceChoices
from shared.face.client import FaceClient
from shared.face.credentials import FaceCredential
from shared.face.face_key import KeyVaultCredential, parse_key
from shared.face.key_vault import KeyVault
from shared.face.rate_limiter import RateLimiter
from shared.late_loading import load_later
from shared.settings import FaceAuth, ServerAuth, Settings
from shared.store.images import CONTAINER_NAME, BlobImageStore
from shared.store.message_queue import QUEUE_NAME, StorageQueue
from shared.store.session_store import TableSessionStore

with load_later():
    from shared.entra import access_token, signing_keys, token_check
    from shared.events import event_grid
    from shared.face import entra

_MAX_QUEUED_SECONDS = 15
# https://learn.microsoft.com/azure/storage/tables/authorize-access-azure-active-directory
_STORAGE_SCOPE = "https://storage.azure.com/.default"


class _Closable(Protocol):
    async def close(self) -> None: ...


class Connections:
    """What was opened for one app, and what has to be closed with it."""

    def __init__(
        self, settings: Settings, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._now = now
        self._new_id = new_id
        self._opened: list[_Closable] = []

    async def close(self) -> None:
        """Close everything that was opened, which the platform never does."""
        for part in reversed(self._opened):
            await part.close()

    def open_store(self) -> TableSessionStore:
        """Open the table."""
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

    def open_queue(self) -> StorageQueue:
        """Open the queue, in the account of the table."""
        settings, seconds = self._settings, self._settings.store_timeout_seconds
        if settings.storage_connection is not None:
            return self._keep(
                StorageQueue.from_connection_string(
                    settings.storage_connection, name=QUEUE_NAME, timeout_seconds=seconds
                )
            )
        return self._keep(
            StorageQueue.connect(
                settings.queue_service_uri,
                self._credential,
                name=QUEUE_NAME,
                timeout_seconds=seconds,
            )
        )

    def open_images(self) -> BlobImageStore | None:
        """Open the place of pictures: an account of its own, or on a laptop that of the table.

        A deployment that keeps none may have none.
        """
        settings, seconds = self._settings, self._settings.store_timeout_seconds
        if settings.storage_connection is not None:
            return self._keep(
                BlobImageStore.from_connection_string(
                    settings.storage_connection, name=CONTAINER_NAME, timeout_seconds=seconds
                )
            )
        if not settings.images_blob_endpoint:
            return None
        return self._keep(
            BlobImageStore.connect(
                settings.images_blob_endpoint,
                self._credential,
                name=CONTAINER_NAME,
                timeout_seconds=seconds,
            )
        )

    def open_face(self) -> tuple[FaceClient, FaceClient, FaceClient]:
        """Open Face for those who wait, for the queue, and for the sweep.

        Queue and sweep each keep half of a rate, so that those who wait have the rest of Face's.
        """
        settings, by_token = self._settings, self._settings.face_auth is FaceAuth.ENTRA
        options = CallOptions(
            auth_header=protocol.token_header if by_token else protocol.key_header,
            timeout_seconds=settings.face_timeout_seconds,
            budget_seconds=settings.face_budget_seconds,
            choices=FaceChoices(
                model_version=settings.face_model_version,
                confidence_threshold=settings.verify_confidence_threshold,
            ),
            new_request_id=self._new_id,
        )
        face = self._keep(
            FaceClient.connect(settings.face_endpoint, self._face_credential, options)
        )
        half = settings.sweep_face_calls_per_second / 2
        # A message that waits keeps others from coming in; it has a next one, or the alarm.
        queued = RateLimiter(half, max_wait_seconds=_MAX_QUEUED_SECONDS)
        swept = RateLimiter(half)
        return face, face.with_rate_limit(queued.acquire), face.with_rate_limit(swept.acquire)

    def open_app_secret(self) -> VaultAppSecret:
        """Open the app's secret; the first create has all that it needs fetched along with it."""
        secret = self._keep(self._vault.secret(self._settings.app_secret_name, parse_app_secret))
        by_identity = self._settings.storage_connection is None
        tokens = [self._fetch_storage_token] if by_identity else []
        beside = [self._face_credential.get, *tokens]
        return self._keep(VaultAppSecret(secret, beside=beside, now=self._now))

    def open_events(self) -> "event_grid.EventGridTopic | None":
        """Open the topic; None where there is none."""
        settings = self._settings
        if not settings.events_topic_endpoint:
            return None
        return self._keep(
            event_grid.EventGridTopic(
                settings.events_topic_endpoint,
                self._credential,
                environment_name=settings.environment_name,
                timeout_seconds=settings.store_timeout_seconds,
                now=self._now,
            )
        )

    def open_token_check(self) -> "token_check.TokenCheck | None":
        """Open what checks callers' tokens; None where they come with keys."""
        settings = self._settings
        if settings.server_auth is ServerAuth.KEY:
            return None
        authority, tenant_id = settings.azure_authority_host, settings.entra_tenant_id
        keys = signing_keys.SigningKeys.connect(
            authority, tenant_id, timeout_seconds=settings.key_timeout_seconds, now=self._now
        )
        rules = access_token.TokenRules.of_tenant(
            tenant_id, authority=authority, audience=settings.entra_audience
        )
        return token_check.TokenCheck(keys=self._keep(keys), rules=rules)

    async def _fetch_storage_token(self) -> None:
        # Whoever asks the table next finds it in the credential's own cache.
        async with asyncio.timeout(self._settings.key_timeout_seconds):
            await self._credential.get_token(_STORAGE_SCOPE)

    @cached_property
    def _face_credential(self) -> FaceCredential:
        settings = self._settings
        if settings.face_auth is FaceAuth.ENTRA:
            return entra.EntraCredential(
                self._credential,
                scope=entra.scope_of(settings.face_endpoint),
                timeout_seconds=settings.key_timeout_seconds,
            )
        return KeyVaultCredential(
            self._keep(self._vault.secret(settings.face_key_secret_name, parse_key)),
            max_age=timedelta(seconds=settings.face_key_cache_seconds),
            now=self._now,
        )

    @cached_property
    def _vault(self) -> KeyVault:
        return self._keep(
            KeyVault.connect(
                self._settings.key_vault_url,
                self._credential,
                timeout_seconds=self._settings.key_timeout_seconds,
                now=self._now,
            )
        )

    @cached_property
    def _credential(self) -> DefaultAzureCredential:
        # A user-assigned identity is found by AZURE_CLIENT_ID, a developer by `az login`.
        return self._keep(DefaultAzureCredential())

    def _keep[T: _Closable](self, part: T) -> T:
        self._opened.append(part)
        return part
