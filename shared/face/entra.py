"""Entra tokens for Face, for accounts whose keys are turned off."""

import asyncio
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential

from shared import azure_errors
from shared.errors import KeyUnavailableError
from shared.secret import Secret

# https://learn.microsoft.com/azure/ai-services/authentication#authenticate-with-microsoft-entra-id
_SCOPE = "https://cognitiveservices.azure.{}/.default"


def scope_of(endpoint: str) -> str:
    """Name what a token for this endpoint must be for: each cloud has its own."""
    # https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
    is_government = (urlsplit(endpoint).hostname or "").endswith(".azure.us")
    return _SCOPE.format("us" if is_government else "com")


class EntraCredential:
    """Tokens of the app's own identity; the credential caches them and renews them in time."""

    def __init__(
        self, credential: AsyncTokenCredential, *, scope: str, timeout_seconds: float
    ) -> None:
        """Take the app's credential, and what the tokens are for."""
        self._scope = scope
        self._credential = credential
        self._timeout_seconds = timeout_seconds

    async def get(self) -> Secret:
        """Return a token that is good for some time."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                token = await self._credential.get_token(self._scope)
        except azure_errors.CLIENT_ERRORS as error:
            cause = azure_errors.describe(error)
            raise KeyUnavailableError(f"Entra gave no token: {cause}") from error
        return Secret(token.token)

    def check(self) -> None:
        """Let every call go: a token that Face refuses is asked for anew."""

    async def refresh(self, refused: Secret) -> Secret | None:
        """Return what the credential has by now, unless that is what Face refuses."""
        try:
            token = await self.get()
        except KeyUnavailableError:
            return None
        return None if token == refused else token
