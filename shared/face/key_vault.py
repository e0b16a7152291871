"""The vault: two secrets, each fetched once however many wait for it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.secrets.aio import SecretClient

from shared import azure_errors, telemetry
from shared.errors import KeyUnavailableError
from shared.secret import Secret
from shared.single_flight import SingleFlight

_NEVER = datetime.min.replace(tzinfo=UTC)

type Parse = Callable[[str], Secret]


class KeyVault:
    """A vault, read as the app's own identity."""

    def __init__(
        self, client: SecretClient, *, timeout_seconds: float, now: Callable[[], datetime]
    ) -> None:
        """Take a client that is ready to use."""
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._now = now

    @classmethod
    def connect(
        cls,
        url: str,
        credential: AsyncTokenCredential,
        *,
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
        return cls(client, timeout_seconds=timeout_seconds, now=now)

    def secret(self, name: str, parse: Parse) -> "VaultSecret":
        """Name a secret, and say what makes it usable: else `parse` raises KeyUnavailable."""
        return VaultSecret(self, name, parse, self._now)

    async def read(self, name: str) -> str:
        """Read the newest version of a secret."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                secret = await self._client.get_secret(name)
        except azure_errors.CLIENT_ERRORS as error:
            cause = azure_errors.describe(error)
            raise KeyUnavailableError(f"the vault gave no {name}: {cause}") from error
        return secret.value or ""

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


class VaultSecret:
    """One secret, as far as it is known, and when it was last asked for."""

    def __init__(
        self, vault: KeyVault, name: str, parse: Parse, now: Callable[[], datetime]
    ) -> None:
        """Know nothing yet."""
        self.known: Secret | None = None
        self.fetched_at = self.failed_at = _NEVER
        # Since when the vault itself says that there is none which can be used.
        self.missing_at = _NEVER
        self._vault = vault
        self._name = name
        self._parse = parse
        self._now = now
        self._fetching = SingleFlight(self._fetch)

    async def fetch(self) -> Secret:
        """Ask the vault."""
        return await self._fetching.join()

    def start_fetch(self) -> None:
        """Have the vault asked in the background."""
        self._fetching.start()

    async def close(self) -> None:
        """Break off what runs in the background."""
        await self._fetching.close()

    async def _fetch(self) -> Secret:
        asked_at = self._now()
        try:
            secret = self._parse(await self._vault.read(self._name))
        except KeyUnavailableError as error:
            self.failed_at = asked_at
            if error.__cause__ is None or isinstance(error.__cause__, ResourceNotFoundError):
                self.missing_at = asked_at
            telemetry.log_event("vault failed", level=logging.WARNING, cause=error)
            raise
        self.known, self.fetched_at = secret, asked_at
        return secret
