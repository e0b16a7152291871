import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.keyvault.secrets import KeyVaultSecret, SecretProperties

from shared import settings
from shared.connections import Connections
from shared.entra.access_token import TokenRules
from shared.face.call_options import acquire_at_once
from shared.face.choices import FaceChoices
from shared.face.client import FaceClient
from shared.face.entra import EntraCredential
from shared.face.face_key import KeyVaultCredential
from shared.face.rate_limiter import RateLimiter
from shared.secret import Secret
from shared.store.images import CONTAINER_NAME
from shared.store.message_queue import QUEUE_NAME
from tests.support.app_tasks import tasks_of_the_app
from tests.support.fakes import Clock

ENVIRONMENT = {
    "FACE_ENDPOINT": "https://face.test",
    "KEY_VAULT_URL": "https://vault.test",
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA==",
    "SWEEP_SCHEDULE": "0 * * * * *",
    "FACE_TIMEOUT_SECONDS": "2",
    "FACE_BUDGET_SECONDS": "20",
    "SWEEP_FACE_CALLS_PER_SECOND": "4",
}
BY_IDENTITY = {
    "AzureWebJobsStorage": "",
    "AzureWebJobsStorage__tableServiceUri": "https://x.table.core.windows.net",
    "AzureWebJobsStorage__queueServiceUri": "https://x.queue.core.windows.net",
}

type Open = Callable[..., Connections]


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    opened: list[Connections] = []

    def connect(**changes: str) -> Connections:
        loaded = settings.from_environment(ENVIRONMENT | changes)
        opened.append(Connections(loaded, Clock(), lambda: "an-id"))
        return opened[-1]

    yield connect
    for connections in opened:
        await connections.close()


async def test_face_is_called_as_the_settings_say(connect: Open) -> None:
    chosen = {"FACE_MODEL_VERSION": "2024-11-15", "VERIFY_CONFIDENCE_THRESHOLD": "0.8"}
    live, *_ = connect(**chosen).open_face()

    assert live._endpoint == "https://face.test"
    assert (live._options.timeout_seconds, live._options.budget_seconds) == (2, 20)
    assert live._options.acquire is acquire_at_once
    assert live._options.choices == FaceChoices(
        model_version="2024-11-15", confidence_threshold=0.8
    )


@pytest.mark.parametrize(
    ("auth", "credential", "header"),
    [
        ("key", KeyVaultCredential, {"Ocp-Apim-Subscription-Key": "the-key"}),
        ("entra", EntraCredential, {"Authorization": "Bearer the-key"}),
    ],
)
async def test_face_is_reached_by_key_or_by_entra(
    auth: str, credential: type, header: object, connect: Open
) -> None:
    live, *_ = connect(FACE_AUTH=auth).open_face()

    assert isinstance(live._credential, credential)
    assert live._options.auth_header(Secret("the-key")) == header


async def test_who_waits_the_queue_and_the_sweep_share_all_but_their_rate(connect: Open) -> None:
    clients = connect().open_face()

    for part in ("_http", "_credential", "_breakers"):
        assert len({id(getattr(client, part)) for client in clients}) == 1
    limiters = [limiter_of(client) for client in clients[1:]]
    assert limiters[0] is not limiters[1]


def limiter_of(client: FaceClient) -> RateLimiter:
    limiter = getattr(client._options.acquire, "__self__", None)
    assert isinstance(limiter, RateLimiter)
    return limiter


async def test_queue_and_sweep_have_half_of_the_rate_each(connect: Open) -> None:
    _, *limited = connect().open_face()

    assert [limiter_of(client)._gap_seconds for client in limited] == [0.5, 0.5]


async def test_where_servers_come_with_keys_nobody_is_asked_for_a_token(connect: Open) -> None:
    assert connect().open_token_check() is None


TENANT = "11111111-1111-1111-1111-111111111111"
BY_TOKEN = {
    "SERVER_AUTH": "entra",
    "ENTRA_TENANT_ID": TENANT,
    "ENTRA_AUDIENCE": "api://face-liveness",
    "AZURE_AUTHORITY_HOST": "login.microsoftonline.us",
    "KEY_TIMEOUT_SECONDS": "2",
}


async def test_tokens_are_checked_as_the_settings_say(connect: Open) -> None:
    connections = connect(**BY_TOKEN)
    check = connections.open_token_check()
    v1, authority = f"https://sts.windows.net/{TENANT}/", "https://login.microsoftonline.us"

    assert check
    assert check.rules == TokenRules(
        issuers=frozenset({v1, f"{authority}/{TENANT}/v2.0"}), audience="api://face-liveness"
    )
    assert check.keys._url == f"{authority}/{TENANT}/discovery/v2.0/keys"
    assert check.keys._http.timeout.total == 2
    assert isinstance(check.keys._now, Clock)
    await connections.close()
    assert check.keys._http.closed


async def test_the_table_and_the_queue_are_opened_by_the_connection_string(connect: Open) -> None:
    connections = connect()

    assert connections.open_store()._table._client.url == "https://x.table.core.windows.net"
    queue = connections.open_queue()._client()
    assert queue.url == f"https://x.queue.core.windows.net/{QUEUE_NAME}"


async def test_the_table_and_the_queue_are_opened_by_identity_where_there_is_no_connection_string(
    connect: Open,
) -> None:
    connections = connect(**BY_IDENTITY)

    assert connections.open_store()._table._client.url == "https://x.table.core.windows.net"
    queue = connections.open_queue()._client()
    assert queue.url == f"https://x.queue.core.windows.net/{QUEUE_NAME}"
    assert queue.credential is connections._credential


async def test_pictures_lie_in_the_account_of_the_table_where_that_has_a_connection_string(
    connect: Open,
) -> None:
    images = connect(IMAGES_BLOB_ENDPOINT="https://y.blob.core.windows.net").open_images()
    assert images is not None
    client = images._client()

    assert client.url == f"https://x.blob.core.windows.net/{CONTAINER_NAME}"


async def test_pictures_lie_in_an_account_of_their_own_where_storage_is_reached_by_identity(
    connect: Open,
) -> None:
    its_own = {"IMAGES_BLOB_ENDPOINT": "https://y.blob.core.windows.net"}
    connections = connect(**BY_IDENTITY, **its_own)
    images = connections.open_images()
    assert images is not None
    client = images._client()

    assert client.url == f"https://y.blob.core.windows.net/{CONTAINER_NAME}"
    assert client.credential is connections._credential


async def test_a_deployment_that_keeps_no_pictures_has_no_place_for_them(connect: Open) -> None:
    assert connect(**BY_IDENTITY).open_images() is None


@dataclass
class Asked:
    """What stands for the vault and the identity: nobody answers until all have been asked."""

    names: list[str] = field(default_factory=list)
    all_asked: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(3))

    async def get_secret(self, name: str) -> KeyVaultSecret:
        await self._ask(name)
        return KeyVaultSecret(SecretProperties(), "s" * 32)

    async def get_token(self, scope: str) -> AccessToken:
        await self._ask(scope)
        return AccessToken("a token", 0)

    async def close(self) -> None:
        """Have nothing to close."""

    async def _ask(self, name: str) -> None:
        self.names.append(name)
        await self.all_asked.wait()


async def test_a_first_create_has_both_secrets_and_the_storages_token_fetched_side_by_side(
    connect: Open,
) -> None:
    asked: Any = Asked()
    connections = connect(**BY_IDENTITY)
    connections._credential = asked
    connections._vault._client = asked

    secret = connections.open_app_secret()
    assert await secret.get() == Secret("s" * 32)
    live, *_ = connections.open_face()
    assert await live._credential.get() == Secret("s" * 32)
    assert sorted(asked.names) == [
        "app-secret",
        "face-api-key",
        "https://storage.azure.com/.default",
    ]


async def test_with_entra_the_tokens_are_fetched_beside_the_one_secret(connect: Open) -> None:
    asked: Any = Asked()
    connections = connect(FACE_AUTH="entra", **BY_IDENTITY)
    connections._credential = asked
    connections._vault._client = asked

    assert await connections.open_app_secret().get() == Secret("s" * 32)
    assert sorted(asked.names) == [
        "app-secret",
        "https://cognitiveservices.azure.com/.default",
        "https://storage.azure.com/.default",
    ]


async def test_with_a_connection_string_storage_needs_no_token(connect: Open) -> None:
    asked: Any = Asked(all_asked=asyncio.Barrier(2))
    connections = connect(APP_SECRET_NAME="other-secret")
    connections._vault._client = asked

    assert await connections.open_app_secret().get() == Secret("s" * 32)
    assert sorted(asked.names) == ["face-api-key", "other-secret"]


async def test_what_is_closed_fetches_nothing_in_the_background_that_would_open_it_again(
    connect: Open,
) -> None:
    never: Any = Asked(all_asked=asyncio.Barrier(99))
    connections = connect(**BY_IDENTITY)
    connections._credential = never
    connections._vault._client = never
    waiting = asyncio.create_task(connections.open_app_secret().get())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(never.names) == 3

    await connections.close()

    assert tasks_of_the_app() <= {waiting}
    with pytest.raises(asyncio.CancelledError):
        await waiting
