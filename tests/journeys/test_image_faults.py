"""The fault table's lines on pictures: no fault loses one, or leaves one behind its record."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from local.ports import Ports
from local.stack.stack import Stack
from tests.conftest import Configure
from tests.support import fault_table
from tests.support.constants import FUNCTION_KEY, STALE_SECONDS
from tests.support.fault_proxy import Door, Fault, FaultProxy
from tests.support.fault_table import IMAGE_TABLE, Row
from tests.support.world import Check, World

_PATIENT = {"FACE_TIMEOUT_SECONDS": "30", "STORE_TIMEOUT_SECONDS": "30"}
# For faults that end as a time-out ends. What comes before has to be in time.
_IMPATIENT = {"FACE_TIMEOUT_SECONDS": "2", "STORE_TIMEOUT_SECONDS": "2"}
_NINETY_DAYS = 91 * 86_400
# Which service's calls a fault befalls, and which one must be through before a door is shut.
PLACES = {
    "Face image": ("face", "GET sessionImages", "GET detectLiveness"),
    "Face detect": ("face", "POST detect?", "GET sessionImages"),
    "image write": ("blob", "PUT", None),
    "image delete": ("blob", "DELETE", None),
    "image read": ("blob", "GET", None),
}

# What the sweep comes to that goes on when the fault is over.
AT_LAST = {
    fault_table.SWEEP_KEEPS: fault_table.WALKED,
    fault_table.SWEEP_ASKS: fault_table.WALKED,
    fault_table.SWEEP_PURGES: fault_table.PURGED,
}
(FALSE_WORD,) = (
    row
    for row in fault_table.every_row(IMAGE_TABLE)
    if (row.route, row.fault) == ("purge", Fault.NOT_FOUND)
)

type Proxies = Mapping[str, FaultProxy]


@pytest_asyncio.fixture(scope="module")
async def proxies(stack: Stack) -> AsyncIterator[Proxies]:
    """Stand before Face and the pictures."""
    ports, free = stack.ports, Ports.free()
    planned = {
        "face": FaultProxy.before(Door(port=ports.face), free.face, not_found="SessionNotFound"),
        "blob": FaultProxy.before(Door(port=ports.blob), free.blob, not_found="BlobNotFound"),
    }
    async with AsyncExitStack() as exits:
        yield {name: await exits.enter_async_context(proxy) for name, proxy in planned.items()}


@pytest_asyncio.fixture
async def behind(stack: Stack, proxies: Proxies, configure: Configure) -> Proxies:
    """Build the app anew, behind the proxies; it keeps pictures."""
    storage, face = stack.settings["AzureWebJobsStorage"], stack.settings["FACE_ENDPOINT"]
    await configure(
        **_PATIENT,
        SESSION_IMAGE="always",
        SESSION_IMAGE_ANALYSIS="blur,headPose",
        FACE_ENDPOINT=face.replace(str(stack.ports.face), str(proxies["face"].port)),
        AzureWebJobsStorage=storage.replace(f":{stack.ports.blob}/", f":{proxies['blob'].port}/"),
    )
    return proxies


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.call} of {row.route}: {row.fault}")
        for row in fault_table.every_row(IMAGE_TABLE)
    ],
)
async def test_a_fault_neither_loses_a_picture_nor_leaves_one_behind(
    world: World, behind: Proxies, configure: Configure, row: Row
) -> None:
    service, method, first = PLACES[row.call]
    check = await started_and_played(world)
    if row.route != "walk":
        await end_by_sweep(world)
    if row.fault is Fault.TIME_OUT:
        await configure(**_IMPATIENT)

    behind[service].fail(method, row.fault, first=first)
    seen = await happen(world, check, row.route)
    await behind[service].clear_faults()

    assert (seen, await stored(world, check)) == (row.line.seen, row.line.stored)
    await configure(**_PATIENT)
    await world.wait(_NINETY_DAYS if row.route == "purge" else 600)
    await world.sweep()
    at_last = AT_LAST.get(row.line.then, row.line.stored)
    assert await stored(world, check) == at_last
    # That a picture is gone is Storage's word.
    is_kept = at_last in {fault_table.WALKED, fault_table.UNTOLD} or row == FALSE_WORD
    assert bool(await world.picture(check.session_id)) is is_kept


def test_the_table_has_every_fault_of_every_call_once() -> None:
    assert {call for call, _ in IMAGE_TABLE} == set(PLACES)


async def started_and_played(world: World) -> Check:
    check = await world.start()
    await world.play(check, "realface")
    return check


async def end_by_sweep(world: World) -> None:
    await world.wait(STALE_SECONDS)
    await world.sweep()


async def happen(world: World, check: Check, route: str) -> str:
    """Let happen what makes the call, and say what its caller sees."""
    match route:
        case "walk":
            await end_by_sweep(world)
            return fault_table.NOBODY
        case "purge":
            await world.wait(_NINETY_DAYS)
            await world.sweep()
            return fault_table.NOBODY
        case _:
            path = f"/sessions/{check.session_id}/image"
            answer = await world.call("GET", path, headers=FUNCTION_KEY)
            return (
                "200, the picture" if answer.status == 200 else f"{answer.status} `{answer.code}`"
            )


async def stored(world: World, check: Check) -> str:
    """Say in the table's words what the record and the store of pictures have."""
    rows = [row for row in await world.rows() if row["RowKey"] == f"session-{check.session_id}"]
    if not rows:
        return fault_table.PURGED
    (row,) = rows
    words = [f"picture {row['imageState']}"]
    is_over = not row["imageIsAnalysisDue"] and row["imageState"] == "stored"
    if is_over and row.get("imageFaceAttributes") is None:
        words.append("no attributes")
    words.append("not deleted at Face" if row["atFace"] else "deleted at Face")
    return ", ".join(words)
