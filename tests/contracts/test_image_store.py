"""One contract, two places for pictures: in memory, on Azurite."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from azure.storage.blob.aio import ContainerClient

from local.azure import storage_setup
from local.stack.stack import Stack
from shared.errors import StoreUnavailableError
from shared.flow.ports import ImageStore
from shared.secret import Secret
from shared.session.ids import SessionId
from shared.store.images import CONTAINER_NAME, BlobImageStore
from tests.support.builders import SESSION_ID
from tests.support.memory_images import ImagesInMemory

OTHER_ID = SessionId("7" + SESSION_ID[1:])
IMAGE = b"\xff\xd8\xff" + secrets.token_bytes(700_000)
OTHER_IMAGE = b"\xff\xd8\xff\xe0"


def images_in(stack: Stack, container: str) -> BlobImageStore:
    storage = Secret(stack.settings["AzureWebJobsStorage"])
    return BlobImageStore.from_connection_string(storage, name=container, timeout_seconds=30)


@pytest.fixture
async def container(stack: Stack) -> AsyncIterator[ContainerClient]:
    """Give a test a container of its own."""
    storage, name = stack.settings["AzureWebJobsStorage"], secrets.token_hex(8)
    async with ContainerClient.from_connection_string(storage, name) as container:
        await container.create_container()
        yield container
        await container.delete_container()


@pytest.fixture
async def azurite_images(stack: Stack, container: ContainerClient) -> AsyncIterator[BlobImageStore]:
    images = images_in(stack, container.container_name)
    yield images
    await images.close()


@pytest.fixture(params=["in-memory", "on-azurite"])
def images(request: pytest.FixtureRequest) -> ImageStore:
    if request.param == "in-memory":
        return ImagesInMemory()
    azurite: ImageStore = request.getfixturevalue("azurite_images")
    return azurite


@pytest.mark.parametrize("size", [3, 700_003, 8 * 1024 * 1024])
async def test_a_picture_is_read_whole_as_it_was_written(images: ImageStore, size: int) -> None:
    image = (IMAGE * 13)[:size]

    await images.insert(SESSION_ID, image)

    assert await images.load(SESSION_ID) == image
    assert await images.load(OTHER_ID) is None


async def test_the_first_picture_of_a_session_stays(images: ImageStore) -> None:
    await images.insert(SESSION_ID, IMAGE)
    await images.insert(SESSION_ID, OTHER_IMAGE)

    assert await images.load(SESSION_ID) == IMAGE


async def test_of_many_who_write_at_once_one_has_written_and_nobody_fails(
    images: ImageStore,
) -> None:
    pictures = [OTHER_IMAGE + bytes([number]) * 100_000 for number in range(8)]

    await asyncio.gather(*(images.insert(SESSION_ID, picture) for picture in pictures))

    assert await images.load(SESSION_ID) in pictures


async def test_what_is_deleted_is_gone_however_often_and_may_be_written_anew(
    images: ImageStore,
) -> None:
    await images.insert(SESSION_ID, IMAGE)
    await images.insert(OTHER_ID, OTHER_IMAGE)

    await asyncio.gather(*(images.delete(SESSION_ID) for _ in range(4)))

    assert (await images.load(SESSION_ID), await images.load(OTHER_ID)) == (None, OTHER_IMAGE)
    await images.insert(SESSION_ID, OTHER_IMAGE)
    assert await images.load(SESSION_ID) == OTHER_IMAGE


async def test_a_picture_is_one_blob_named_as_its_session_and_a_jpeg(
    azurite_images: BlobImageStore, container: ContainerClient
) -> None:
    await azurite_images.insert(SESSION_ID, IMAGE)

    (blob,) = [blob async for blob in container.list_blobs()]

    assert (blob.name, blob.size) == (SESSION_ID, len(IMAGE))
    assert blob.content_settings.content_type == "image/jpeg"


async def test_without_its_container_nothing_is_kept_read_or_taken_for_deleted(
    stack: Stack,
) -> None:
    nowhere = images_in(stack, "no-such-container")

    for call in (
        nowhere.insert(SESSION_ID, IMAGE),
        nowhere.load(SESSION_ID),
        nowhere.delete(SESSION_ID),
    ):
        with pytest.raises(StoreUnavailableError, match="ContainerNotFound"):
            await call
    await nowhere.close()


async def test_the_container_of_the_app_is_there_from_the_start(stack: Stack) -> None:
    images = images_in(stack, CONTAINER_NAME)

    await images.insert(SESSION_ID, IMAGE)
    await images.delete(SESSION_ID)

    assert storage_setup.CONTAINER == CONTAINER_NAME
    await images.close()
