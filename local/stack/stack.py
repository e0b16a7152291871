"""Everything the app needs around it: Azurite, and the simulators in this very process."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from local.azure import azurite, identity, storage_setup
from local.azure.app_registration import AppRegistration
from local.azure.certificate import TRUSTED
from local.azure.vault_secret import DEFAULT_NAMES, SecretNames
from local.clock import StackClock
from local.events import topic
from local.ports import HOST, Ports
from local.process.child_process import Child
from local.stack import joining, simulators, state_folder


class Stack:
    """Runs while its block lasts; what must last longer is in the state folder."""

    _azurite: Child | None = None

    def __init__(
        self,
        *,
        ports: Ports,
        state: Path,
        secret_names: SecretNames = DEFAULT_NAMES,
        registration: AppRegistration | None = None,
        on_part: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Plan a stack, which will tell of each part that answers; nothing runs yet.

        With a registration of the app, its callers come with tokens.
        """
        self.ports = ports
        self.state = state.absolute()
        self.clock = StackClock(self.state / simulators.CLOCK)
        self.log = self.state / "app.log"
        self.face_url = f"http://{HOST}:{ports.face}"
        self._secret_names = secret_names
        self._registration = registration
        self._on_part = on_part
        self._running = contextlib.AsyncExitStack()

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings that lead the app to this stack."""
        ports = self.ports
        return {
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsStorage": azurite.connection_string(ports),
            "FACE_ENDPOINT": self.face_url,
            "KEY_VAULT_URL": f"https://{HOST}:{ports.vault}",
            "EVENTS_TOPIC_ENDPOINT": f"https://{HOST}:{ports.topic}{topic.PATH}",
            "IDENTITY_ENDPOINT": f"http://{HOST}:{ports.identity}{identity.PATH}",
            "IDENTITY_HEADER": identity.HEADER,
            "SSL_CERT_FILE": str(self.trusted),
            **self._entra_settings,
        }

    @property
    def has_tokens(self) -> bool:
        """Do servers and operators come with tokens, not with keys."""
        return self._registration is not None

    @property
    def _entra_settings(self) -> dict[str, str]:
        if self._registration is None:
            return {}
        return {
            "SERVER_AUTH": "entra",
            "ENTRA_TENANT_ID": self._registration.tenant_id,
            "ENTRA_AUDIENCE": self._registration.audience,
            # azure-identity reads it too, and takes no authority by http.
            "AZURE_AUTHORITY_HOST": f"https://{HOST}:{self.ports.vault}",
        }

    @property
    def joining(self) -> dict[str, str]:
        """Return what the app's process must know to read the stack's clock and keep its log."""
        return {joining.CLOCK: str(self.clock.path), joining.LOG: str(self.log)}

    @property
    def trusted(self) -> Path:
        """Return the list of certificates that the app must trust, the vault's among them."""
        return self.state / TRUSTED

    async def __aenter__(self) -> Self:
        """Start every part and return when all of them answer."""
        try:
            await self._start()
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop every part, the last one first."""
        await self._running.aclose()

    async def wait(self) -> str:
        """Wait until a part ends by itself, which none should, and say which."""
        if self._azurite is None:
            raise RuntimeError("the stack does not run")
        return await self._azurite.wait()

    async def _start(self) -> None:
        enter = self._running.enter_async_context
        self._running.enter_context(state_folder.hold(self.state))
        self.ports.check(beside_host=True)
        await enter(simulators.run(self.ports, self.state, self._secret_names, self._registration))
        for part in ("Face", "Key Vault", "managed identity", "events topic"):
            self._on_part(part)
        self._azurite = await enter(azurite.run(self.ports, self.state / "azurite"))
        await storage_setup.create_missing(azurite.connection_string(self.ports))
        self._on_part("Storage")
