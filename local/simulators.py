"""Face, the vault and the identity endpoint, joined: one key, one clock, one queue of faults."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from local import face_site
from local.access_tokens import TokenIssuer, kept_signing_key
from local.certificate import Certificate
from local.clock import StackClock, real_now
from local.face_account import FaceAccount
from local.face_control import FaceControl
from local.face_simulator import FaceSimulator
from local.faults import FaultQueue
from local.identity_simulator import IdentitySimulator
from local.ports import Ports
from local.request_log import RequestLog
from local.session_shelf import SessionShelf
from local.simulator_server import serving
from local.vault_secret import VaultSecret
from local.vault_simulator import VaultSimulator

CLOCK = "clock.json"


@contextlib.asynccontextmanager
async def running(ports: Ports, state: Path, secret_name: str) -> AsyncIterator[None]:
    """Run the three in this process until the block ends; what must last is in the folder."""
    signing_key = kept_signing_key(state / "signing-key")
    issuer = TokenIssuer("local-identity", signing_key)
    key = VaultSecret(secret_name, state / "vault.json", real_now)
    faults = FaultQueue()
    clock = StackClock(state / CLOCK)
    log = RequestLog(clock.now)
    tokens = TokenIssuer("local-face", signing_key)
    account = FaceAccount(SessionShelf(state / "face"), tokens, clock.now)
    face = face_site.application(
        FaceSimulator(account, key=key, entra=issuer, faults=faults, log=log),
        FaceControl(account, key=key, clock=clock, faults=faults, log=log),
    )
    vault = VaultSimulator(key, issuer, faults, real_now).application()
    identity = IdentitySimulator(issuer, faults, real_now).application()
    tls = Certificate(state, real_now()).server_context()
    async with (
        serving(face, ports.face),
        serving(vault, ports.vault, tls),
        serving(identity, ports.identity),
    ):
        yield
