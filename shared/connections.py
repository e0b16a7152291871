"""Opens what is outside the process, each once, as the settings say; nothing is sent yet."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from azure.identity.aio import DefaultAzureCredential

from shared.face import protocol
from shared.face.client import AuthHeader, CallOptions, FaceClient
from shared.face.credentials import FaceCredential
from shared.face.entra import EntraCredential
from shared.face.key_vault import KeyVaultCredential
from shared.face.rate_limiter import RateLimiter
from shared.settings import FaceAuth, Settings
from shared.store.message_queue import QUEUE_NAME, StorageQueue
from shared.store.session_store import TableSessionStore


class _Closable(Protocol):
    async def close(self) -> None: ...


class Connections:
    """What was opened for one app, and what has to be closed with it."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._now = now
        self._opened: list[_Closable] = []

    async def close(self) -> None:
        """Close everything that was opened, which the platform never does."""
        for part in self._opened:
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

    def open_face(self) -> tuple[FaceClient, FaceClient, FaceClient]:
        """Open Face for those who wait, for the queue, and for the sweep.

        Queue and sweep each keep half of a rate, so that those who wait have the rest of Face's.
        """
        credential, header = self._open_face_credential()
        options = CallOptions(
            auth_header=header,
            timeout_seconds=self._settings.face_timeout_seconds,
            budget_seconds=self._settings.face_budget_seconds,
        )
        face = self._keep(FaceClient.connect(self._settings.face_endpoint, credential, options))
        half = self._settings.sweep_face_calls_per_second / 2
        queued, swept = RateLimiter(half), RateLimiter(half)
        return face, face.with_rate_limit(queued.acquire), face.with_rate_limit(swept.acquire)

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
        self._opened.append(part)
        return part
