"""Entra tokens for Face, for accounts whose keys are turned off."""

import asyncio

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from shared.errors import KeyUnavailableError
from shared.secret import Secret

# https://learn.microsoft.com/azure/ai-services/authentication#authenticate-with-microsoft-entra-id
_SCOPE = "https://cognitiveservices.azure.com/.default"


class EntraCredential:
    """Tokens of the app's own identity; the credential caches them and renews them in time."""

    def __init__(self, credential: AsyncTokenCredential, *, timeout_seconds: float) -> None:
        """Take the app's credential."""
        self._credential = credential
        self._timeout_seconds = timeout_seconds

    async def get(self) -> Secret:
        """Return a token that is good for some time."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                token = await self._credential.get_token(_SCOPE)
        except (AzureError, TimeoutError, ValueError, OSError) as error:
            raise KeyUnavailableError(f"Entra gave no token: {type(error).__name__}") from error
        return Secret(token.token)

    async def refresh(self, refused: Secret) -> Secret:  # noqa: ARG002 - as the port has it
        """Return what the credential has by now."""
        return await self.get()

    async def close(self) -> None:
        """Leave the credential to whoever opened it."""
