"""Face over REST as anybody would write it first: no time-out, no retry, the key fetched once."""

import json
import os
from collections.abc import Sequence
from typing import Any

import aiohttp
from azure.identity.aio import DefaultAzureCredential
from azure.keyvault.secrets.aio import SecretClient


class BareFace:
    """Makes Face's calls for the apps that ours is compared with."""

    def __init__(self, secret_names: Sequence[str] = ("FACE_KEY_SECRET_NAME",)) -> None:
        """Open nothing yet; settings name the secrets to fetch, of which the last is the key."""
        self._http = aiohttp.ClientSession()
        self._secret_names = secret_names
        self._key = ""

    async def call(
        self,
        method: str,
        path: str = "",
        *,
        kind: str = "detectLiveness",
        **more: Any,  # noqa: ANN401 - aiohttp's own
    ) -> Any:  # noqa: ANN401 - JSON
        """Call Face and return what it answers."""
        self._key = self._key or await self._fetch_key()
        url = f"{os.environ['FACE_ENDPOINT']}/face/v1.2/{kind}-sessions{path}"
        headers = {"Ocp-Apim-Subscription-Key": self._key}
        async with self._http.request(method, url, headers=headers, **more) as answer:
            answer.raise_for_status()
            return json.loads(await answer.read() or b"null")

    async def _fetch_key(self) -> str:
        url, found = os.environ["KEY_VAULT_URL"], ""
        async with (
            DefaultAzureCredential() as credential,
            SecretClient(url, credential, verify_challenge_resource=False) as vault,
        ):
            for name in self._secret_names:
                found = str((await vault.get_secret(os.environ[name])).value)
        return found
