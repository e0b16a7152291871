from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.identity.aio import DefaultAzureCredential

from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.store.images import BlobImageStore
from shared.store.message_queue import StorageQueue
from tests.support.builders import SESSION_ID

type Store = StorageQueue | BlobImageStore

NAME = "some-name"
CALLS: dict[type[Store], Callable[[Any], Awaitable[object]]] = {
    StorageQueue: lambda queue: queue.send(SESSION_ID, delay=timedelta()),
    BlobImageStore: lambda images: images.load(SESSION_ID),
}

each_store = pytest.mark.parametrize("store", CALLS, ids=lambda one: one.__name__)


@each_store
async def test_nobody_listening_is_StoreUnavailable(store: type[Store]) -> None:  # noqa: N802
    endpoints = "QueueEndpoint=http://127.0.0.1:1/a;BlobEndpoint=http://127.0.0.1:1/a"
    nowhere = Secret(f"AccountName=a;AccountKey=eA==;{endpoints}")
    opened = store.from_connection_string(nowhere, name=NAME, timeout_seconds=60)

    with pytest.raises(StoreUnavailableError, match=ServiceRequestError.__name__):
        await CALLS[store](opened)
    await opened.close()


@each_store
async def test_an_identity_opens_what_has_no_connection_string_and_once(
    store: type[Store],
) -> None:
    url = "https://x.core.windows.net"
    async with DefaultAzureCredential() as credential:
        opened = store.connect(url, credential, name=NAME, timeout_seconds=3)
        client = opened._client()

        assert (client.url, client.credential) == (f"{url}/{NAME}", credential)
        assert opened._client() is client
        await opened.close()


@each_store
async def test_what_was_never_called_has_nothing_to_close(store: type[Store]) -> None:
    await store.from_connection_string(Secret("nonsense"), name=NAME, timeout_seconds=3).close()
