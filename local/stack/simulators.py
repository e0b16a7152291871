"""Face, vault, identity endpoint and topic, joined: one key, one clock, one queue of faults."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from local.azure.access_tokens import TokenIssuer
from local.azure.app_registration import AppRegistration
from local.azure.certificate import Certificate
from local.azure.identity import IdentitySimulator
from local.azure.key_vault import VaultSimulator
from local.azure.vault_secret import DEFAULT_NAMES, FIRST_KEY, SecretNames, VaultSecret
from local.clock import StackClock, real_now
from local.events.controls import EventControl
from local.events.inbox import EventInbox
from local.events.topic import TopicSimulator
from local.events.webhook import Webhook
from local.face import site
from local.face.account import FaceAccount
from local.face.controls import FaceControl
from local.face.device_tokens import DeviceTokens
from local.face.request_log import RequestLog
from local.face.session_files import SessionFiles
from local.face.simulator import FaceSimulator
from local.faults.fault import FaultQueue
from local.ports import Ports
from local.stack.simulator_server import serve
from local.web import host_log, page_server
from local.web.host_log import HostLog
from local.web.timeline import Timeline
from local.web.your_server import bring_key

CLOCK = "clock.json"


@contextlib.asynccontextmanager
async def run(
    ports: Ports,
    state: Path,
    names: SecretNames = DEFAULT_NAMES,
    registration: AppRegistration | None = None,
) -> AsyncIterator[None]:
    """Run the four and the page in this process until the block ends.

    What must last is in the folder. With a registration of the app, its callers come with tokens.
    """
    app = registration or AppRegistration()
    issuer = TokenIssuer(state / "identity-key.pem")
    key = VaultSecret(names.face_key, state / "vault.json", real_now, first=FIRST_KEY)
    app_secret = VaultSecret(names.app, state / "app-secret.json", real_now)
    faults = FaultQueue()
    clock = StackClock(state / CLOCK)
    log = RequestLog(clock.now)
    tokens = DeviceTokens(state / "device-token-secret")
    account = FaceAccount(SessionFiles(state / "face"), tokens, clock.now)
    webhook = Webhook(issuer, real_now)
    inbox = EventInbox(webhook.offer)
    face = site.application(
        FaceSimulator(account, key=key, entra=issuer, faults=faults, log=log),
        FaceControl(
            account,
            key=key,
            clock=clock,
            faults=faults,
            log=log,
            issuer=issuer,
            registration=app,
        ),
        *EventControl(inbox, webhook).routes(),
    )
    vault = VaultSimulator([key, app_secret], issuer, faults, real_now).application()
    identity = IdentitySimulator(issuer, app, faults, real_now)
    topic = TopicSimulator(inbox, issuer, faults, real_now).application()
    opener = identity.bring_token if registration else bring_key
    # Whoever follows AZURE_AUTHORITY_HOST looks for Entra by https.
    vault.add_routes(identity.key_routes())
    tls = Certificate(state).server_context()
    timeline = Timeline(HostLog(state / host_log.NAME))
    timeline.watch(face, "face")
    timeline.watch(vault, "vault")
    async with (
        aiohttp.ClientSession() as http,
        serve(face, ports.face),
        serve(vault, ports.vault, tls),
        serve(identity.application(), ports.identity),
        serve(topic, ports.topic, tls),
        contextlib.aclosing(webhook),
        serve(page_server.application(ports, timeline, http, opener), ports.page),
    ):
        yield
