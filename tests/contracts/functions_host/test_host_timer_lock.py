from datetime import timedelta

from local.functions_host.host_blobs import HostBlobs
from local.functions_host.timer_lock import TimerLock
from tests.contracts.functions_host.sample_host import (
    Sample,
    eventually,
    journal_of,
    running_host,
)

_PERIOD = timedelta(seconds=15)


async def test_one_host_of_two_has_the_lock_until_it_gives_it_back(storage: str) -> None:
    blobs = HostBlobs({"AzureWebJobsStorage": storage}, "locked")
    first, second = (TimerLock(blobs, "tick", _PERIOD) for _ in range(2))

    assert [await first.acquire(), await second.acquire()] == [True, False]
    assert [await first.acquire(), await first.renew()] == [True, True]
    async with blobs.blob("locks/locked/Host.Functions.tick.Listener") as blob:
        assert (await blob.get_blob_properties()).lease.duration == "fixed"

    await first.release()

    assert [await second.acquire(), await first.renew()] == [True, False]
    await blobs.close()


async def test_second_host_of_one_id_leaves_the_timer_alone(
    sample: Sample, sample_settings: dict[str, str]
) -> None:
    async with running_host(sample.host.app, sample_settings | {"WORK_QUEUE": "sixth"}) as second:
        await second.read_until("tick is run by another host for now")
        before = len(await sample.journal(event="tick"))

        async def ticked_on() -> bool:
            return len(await sample.journal(event="tick")) >= before + 2

        await eventually(ticked_on)

        assert await journal_of(second, event="tick") == []
