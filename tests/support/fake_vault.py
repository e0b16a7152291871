"""A vault in memory, in place of the SDK's client."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.secrets import KeyVaultSecret, SecretProperties

from shared.face.key_vault import KeyVault

if TYPE_CHECKING:
    from azure.keyvault.secrets.aio import SecretClient

FACE_KEY, APP_SECRET = "face-api-key", "app-secret"


@dataclass
class FakeVault:
    """What it holds, what a test has laid in wait, and what it was asked for."""

    secrets: dict[str, str | None] = field(
        default_factory=lambda: {FACE_KEY: "key-1", APP_SECRET: "s" * 32}
    )
    troubles: deque[Exception] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    slow: asyncio.Event | None = None
    closed: bool = False

    def opened(self, now: Callable[[], datetime], timeout_seconds: float = 60) -> KeyVault:
        return KeyVault(cast("SecretClient", self), timeout_seconds=timeout_seconds, now=now)

    async def get_secret(self, name: str) -> KeyVaultSecret:
        self.asked.append(name)
        if self.slow is not None:
            await self.slow.wait()
        if self.troubles:
            raise self.troubles.popleft()
        if name not in self.secrets:
            raise ResourceNotFoundError("no such secret")
        return KeyVaultSecret(SecretProperties(), self.secrets[name])

    async def close(self) -> None:
        self.closed = True
