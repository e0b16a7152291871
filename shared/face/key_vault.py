"""The Face key from Key Vault, cached, refreshed when it ages or when Face refuses it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.keyvault.secrets.aio import SecretClient

from shared.errors import KeyUnavailableError
from shared.secret import Secret

_MAX_KEY_LENGTH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    key: Secret
    fetched_at: datetime


class KeyVaultCredential:
    """One secret of one vault; however many wait for it, it is fetched once."""

    def __init__(
        self,
        client: SecretClient,
        *,
        name: str,
        max_age: timedelta,
        timeout_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        """Take a client that is ready to use."""
        self._client = client
        self._name = name
        self._max_age = max_age
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._cached: _Cached | None = None
        self._fetching: asyncio.Task[Secret] | None = None

    @classmethod
    def connect(  # noqa: PLR0913 - all of it is configuration
        cls,
        url: str,
        credential: AsyncTokenCredential,
        *,
        name: str,
        max_age: timedelta,
        timeout_seconds: float,
        now: Callable[[], datetime],
    ) -> Self:
        """Open a client for the vault; nothing is sent yet."""
        # One repeat without a wait: the SDK's own three, with back-off, outlast any caller.
        client = SecretClient(
            url,
            credential,
            retry_total=1,
            retry_backoff_factor=0,
            connection_timeout=timeout_seconds,
            read_timeout=timeout_seconds,
        )
        return cls(client, name=name, max_age=max_age, timeout_seconds=timeout_seconds, now=now)

    async def get(self) -> Secret:
        """Return a key that is recent enough."""
        if self._cached and self._now() - self._cached.fetched_at < self._max_age:
            return self._cached.key
        return await self._fetch_once()

    async def refresh(self, refused: Secret) -> Secret:
        """Return the vault's key of now, unless another caller has fetched it since."""
        if self._cached and self._cached.key != refused:
            return self._cached.key
        return await self._fetch_once()

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def _fetch_once(self) -> Secret:
        # All who wait share one fetch and its failure, so that a silent vault holds nobody twice.
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(self._now()))
            self._fetching.add_done_callback(self._forget)
        return await asyncio.shield(self._fetching)

    def _forget(self, fetching: asyncio.Task[Secret]) -> None:
        self._fetching = None
        # Whoever waited may be gone; asyncio complains about a failure that nobody looked at.
        if not fetching.cancelled():
            fetching.exception()

    async def _fetch(self, asked_at: datetime) -> Secret:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                secret = await self._client.get_secret(self._name)
        except (AzureError, TimeoutError, ValueError, OSError) as error:
            raise KeyUnavailableError(f"the vault gave no key: {type(error).__name__}") from error
        value = (secret.value or "").strip()
        if not value.isascii() or not value.isprintable() or not 0 < len(value) <= _MAX_KEY_LENGTH:
            raise KeyUnavailableError("the vault's secret is not a key")
        self._cached = _Cached(key=Secret(value), fetched_at=asked_at)
        return self._cached.key
