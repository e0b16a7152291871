"""A client of Storage whose SDK the first call loads: most processes of most apps never call."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, Self

from azure.core.credentials_async import AsyncTokenCredential

from shared import azure_errors
from shared.azure_http import open_transport
from shared.errors import StoreUnavailableError
from shared.secret import Secret

# An SDK's class, and our options for it, in; a client out.
type _Open = Callable[[Any, Mapping[str, Any]], Any]


class _Closable(Protocol):
    async def close(self) -> None: ...


class LazyClient[Client: _Closable](ABC):
    """Opens its client when it is first needed, and gives each call the store's time, once."""

    def __init__(self, open_client: _Open, *, timeout_seconds: float) -> None:
        """Take what makes a client of the SDK's class and of our options."""
        self._open = open_client
        self._timeout_seconds = timeout_seconds
        self._opened: Client | None = None

    @classmethod
    def connect(
        cls, url: str, credential: AsyncTokenCredential, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open what has this name by its service's URL, as an identity."""
        return cls(
            lambda client, options: client(url, name, credential=credential, **options),
            timeout_seconds=timeout_seconds,
        )

    @classmethod
    def from_connection_string(
        cls, connection: Secret, *, name: str, timeout_seconds: float
    ) -> Self:
        """Open what has this name by a connection string, which holds the account's key."""
        return cls(
            lambda client, options: client.from_connection_string(
                connection.reveal(), name, **options
            ),
            timeout_seconds=timeout_seconds,
        )

    async def close(self) -> None:
        """Close the client, if there is one."""
        if self._opened is not None:
            await self._opened.close()

    @abstractmethod
    def load_sdk(self) -> tuple[type[Client], Mapping[str, Any]]:
        """Import the SDK's class, and say what it takes beside our options."""

    def _client(self) -> Client:
        if self._opened is None:
            sdk_class, options = self.load_sdk()
            # The SDK's own retries wait for more than a minute; the alarm is sooner.
            ours = {"retry_total": 0, "transport": open_transport(self._timeout_seconds)}
            self._opened = self._open(sdk_class, {**ours, **options})
        return self._opened

    async def _ask[T](self, call: Awaitable[T], *, failure: str) -> T:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await call
        except azure_errors.CLIENT_ERRORS as error:
            raise StoreUnavailableError(f"{failure}: {azure_errors.describe(error)}") from error
