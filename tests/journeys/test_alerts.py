"""The cause of each alert, played on the local stack, leaves what its query looks for."""

import re
import secrets
from collections.abc import Awaitable, Callable

import pytest

from local.stack.stack import Stack
from tests.conftest import ROOT, Configure
from tests.support import kusto
from tests.support.app_lines import AppLines
from tests.support.constants import STALE_SECONDS
from tests.support.world import World

type Cause = Callable[[World], Awaitable[list[int]]]

# What Azure's own services notice and count: there is nothing to play here.
TOLD_BY_AZURE = {
    "app-unreachable", "events-dead-lettered", "events-undelivered", "face-key-expiry",
    "face-throttling", "logs-half", "logs-stopped", "package-written", "vault-denials",
}  # fmt: skip
QUERIES = kusto.alert_queries()


@pytest.fixture(autouse=True)
async def _with_events(stack: Stack, configure: Callable[..., Awaitable[None]]) -> None:
    await configure(EVENTS_TOPIC_ENDPOINT=stack.settings["EVENTS_TOPIC_ENDPOINT"])


async def refuse_a_create(world: World) -> list[int]:
    await world.fail("create", status=403, code="UnsupportedFeature")
    return [(await world.create(json={"deviceCorrelationId": "device"})).status]


async def refuse_a_look(world: World) -> list[int]:
    check = await world.start()
    await world.fail("get", status=403, code="403")
    return [(await world.complete(check)).status]


async def tamper(world: World) -> list[int]:
    check = await world.start()
    await world.play(check, "realface")
    return [(await world.complete(check, {"digest": "ab" * 32})).status]


async def tamper_late(world: World) -> list[int]:
    check = await world.start()
    await world.play(check, "realface")
    await world.complete(check)
    return [(await world.complete(check, {"digest": "ab" * 32})).status]


async def ask_for_a_foreign_session(world: World) -> list[int]:
    path = f"/sessions/{'0' * 33}"
    token = {"X-Session-Token": "A" * 43}
    return [(await world.call("GET", path, headers=token)).status]


async def miss_a_picture(world: World) -> list[int]:
    check = await world.start(enableSessionImage=True)
    await world.play(check, "realface", sessionImage="missing")
    await world.wait(STALE_SECONDS)
    await world.sweep()
    return []


async def be_refused_a_picture(world: World) -> list[int]:
    check = await world.start(enableSessionImage=True)
    await world.play(check, "realface")
    await world.wait(STALE_SECONDS)
    await world.fail("image", status=403, code="403")
    await world.sweep()
    return []


async def sweep_late(world: World) -> list[int]:
    await world.start()
    await world.wait(2000)
    await world.sweep()
    return []


async def find_the_topic_dead(world: World) -> list[int]:
    check = await world.start()
    await world.fail("topic", times=1000, status=503)
    await world.cancel(check)
    await world.wait(2 * 3600)
    await world.sweep()
    return []


async def end_by_a_model(world: World) -> list[int]:
    check = await world.start()
    await world.play(check, "realface")
    return [(await world.complete(check)).status]


async def read_a_forged_pass(world: World) -> list[int]:
    check = await world.start()
    await world.play(check, "spoofface")
    await world.complete(check)
    await world.forge(check, outcome="passed", reasons="")
    return [(await world.result(check)).status]


async def sweep_an_unreadable_row(world: World) -> list[int]:
    check = await world.start()
    await world.forge(check, status="no such word")
    await world.wait(STALE_SECONDS)
    await world.sweep()
    return []


async def start_over_an_unreadable_ledger(world: World) -> list[int]:
    person = {"deviceCorrelationId": secrets.token_hex(8)}
    before = {row["RowKey"] for row in await world.rows()}
    await world.start(**person)
    (slot,) = (
        row
        for row in await world.rows()
        if ":1-slot-" in row["RowKey"] and row["RowKey"] not in before
    )
    await world.table.update_entity({**slot, "endsAt": "no such time"})
    return [(await world.create(json=person)).status]


async def try_though_locked(world: World) -> list[int]:
    person = {"deviceCorrelationId": secrets.token_hex(8)}
    for _ in range(5):
        check = await world.start(**person)
        await world.play(check, "spoofface")
        await world.complete(check)
    return [(await world.create(json=person)).status]


CAUSES: dict[str, list[Cause]] = {
    "events-unsent": [find_the_topic_dead],
    "face-refusals": [refuse_a_create, refuse_a_look],
    "image-unavailable": [miss_a_picture, be_refused_a_picture],
    "late-digest": [tamper_late],
    "locks": [try_though_locked],
    "model-first-seen": [end_by_a_model],
    "oldest-alarm": [sweep_late],
    "record-corrupt": [
        read_a_forged_pass,
        start_over_an_unreadable_ledger,
        sweep_an_unreadable_row,
    ],
    "server-errors": [refuse_a_create],
    "unknown-sessions": [ask_for_a_foreign_session],
    "untrusted": [tamper],
}


async def pass_quietly(world: World) -> list[int]:
    check = await world.start()
    await world.play(check, "realface")
    return [(await world.complete(check)).status, (await world.result(check)).status]


async def left_by(cause: Cause, world: World) -> list[kusto.Row]:
    """Play a cause and give what Application Insights would have of it."""
    log = AppLines(world.stack.log)
    before = log.size
    statuses = await cause(world)
    lines = log.messages(since=before)
    return [
        *({"table": "requests", "resultCode": str(status), "itemCount": 1} for status in statuses),
        *({"table": "traces", "message": line} for line in lines),
    ]


@pytest.mark.parametrize(
    ("name", "cause"), [(name, cause) for name, causes in CAUSES.items() for cause in causes]
)
async def test_the_cause_of_an_alert_leaves_what_the_alert_looks_for(
    world: World, configure: Configure, name: str, cause: Cause
) -> None:
    kusto.install_parser()
    await configure(SESSION_IMAGE="allow")

    seen = kusto.matching({name: QUERIES[name]}, await left_by(cause, world))

    assert set(seen) == {name}
    assert all(fact is not None for row in seen[name] for fact in row["found"])


async def test_a_late_sweep_says_by_how_much(world: World) -> None:
    rows = await left_by(sweep_late, world)

    (row,) = kusto.matching(QUERIES, rows)["oldest-alarm"]
    assert int(row["found"][0]) > 900


def test_a_message_that_nobody_can_read_left_what_the_alert_looks_for() -> None:
    (row,) = kusto.matching(QUERIES, [*kusto.samples()])["poison-messages"]

    assert "liveness-completions-poison" in row["message"]


async def test_a_check_that_passes_wakes_nobody(world: World) -> None:
    rows = await left_by(pass_quietly, world)

    # Every ending names its model: whether that is new is asked of the two days before.
    assert set(kusto.matching(QUERIES, rows)) == {"model-first-seen"}


def test_every_alert_has_a_cause_here_or_at_azure() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    alerts = set(re.findall(r"(?m)^\| `([a-z-]+)` \| (?:page|mail) \|", operations))

    assert {*CAUSES, "poison-messages", *TOLD_BY_AZURE} == alerts
    assert set(QUERIES) <= alerts
