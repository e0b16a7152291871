"""What the app sends through Microsoft's client is what the queue trigger gets, on Azurite."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.queue_message import decode_text
from local.stack.stack import Stack
from shared.errors import StoreUnavailableError
from shared.secret import Secret
from shared.store.message_queue import StorageQueue
from tests.support.builders import SESSION_ID


@pytest.fixture
async def azurite_queue(stack: Stack) -> AsyncIterator[QueueClient]:
    """Give a test a queue of its own."""
    storage = stack.settings["AzureWebJobsStorage"]
    async with QueueClient.from_connection_string(storage, secrets.token_hex(8)) as queue:
        await queue.create_queue()
        yield queue
        await queue.delete_queue()


@pytest.fixture
async def queue(stack: Stack, azurite_queue: QueueClient) -> AsyncIterator[StorageQueue]:
    storage = Secret(stack.settings["AzureWebJobsStorage"])
    queue = StorageQueue.from_connection_string(
        storage, name=azurite_queue.queue_name, timeout_seconds=10
    )
    yield queue
    await queue.close()


async def wait_for_message(queue: QueueClient) -> QueueMessage:
    while (message := await queue.receive_message()) is None:  # noqa: ASYNC110 - Storage tells nobody
        await asyncio.sleep(0.1)
    return message


async def test_a_message_is_visible_after_its_delay_and_reads_as_the_trigger_reads_it(
    queue: StorageQueue, azurite_queue: QueueClient
) -> None:
    await queue.send(SESSION_ID, delay=timedelta(seconds=1))

    message = await wait_for_message(azurite_queue)

    assert decode_text(message.content, is_base64=True) == SESSION_ID
    assert message.inserted_on
    assert message.expires_on
    assert message.expires_on - message.inserted_on == timedelta(hours=1)


async def test_a_message_is_hidden_until_then(
    queue: StorageQueue, azurite_queue: QueueClient
) -> None:
    await queue.send(SESSION_ID, delay=timedelta(minutes=30))

    count = (await azurite_queue.get_queue_properties()).approximate_message_count
    assert (count, await azurite_queue.receive_message()) == (1, None)


async def test_a_queue_that_is_not_there_is_seen_without_a_message(
    queue: StorageQueue, azurite_queue: QueueClient
) -> None:
    await queue.check()
    assert (await azurite_queue.get_queue_properties()).approximate_message_count == 0

    await azurite_queue.delete_queue()
    with pytest.raises(StoreUnavailableError, match="the queue cannot be had"):
        await queue.check()
    await azurite_queue.create_queue()
