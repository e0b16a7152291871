"""The run from start to end: chaos, then quiet, then the invariants."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos import (
    afterwards,
    app_log,
    endings,
    fault_injection,
    frontends,
    host_log,
    invariants,
    orphans,
    persons,
    pictures,
    report,
    tables,
)
from tests.chaos.findings import Findings
from tests.chaos.history import History
from tests.chaos.plan import Plan
from tests.chaos.system import System
from tests.chaos.watcher import Row
from tests.support.constants import FINAL, RETENTION_SECONDS

_MINUTE, _DAY = 60, 86_400
# Long enough for the longest token with its grace, and later for the longest delay of an alarm.
_FIRST_SKIP, _NEXT_SKIP = 16 * _MINUTE, 61 * _MINUTE
_MAX_SWEEPS = 8
_MAX_SWEEP_SECONDS = 60
_MAX_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class Run:
    """Everything that a run has left behind."""

    plan: Plan
    histories: list[History]
    findings: Findings = field(default_factory=Findings)
    done: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    orphans: int = 0
    pictures: int = 0
    events: int = 0
    messages: int = 0


async def execute(plan: Plan, system: System) -> Run:
    """Play the plan, let everything come to rest, and check."""
    run = Run(plan=plan, histories=[History(script=script) for script in plan.scripts])
    watching = asyncio.create_task(system.watcher.run())
    progress = asyncio.create_task(report.progress(run.histories, run.done, system))
    try:
        await _chaos(run, system)
    finally:
        for task in (watching, progress):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    await _quiet(run, system)
    report.say("new checks, to see that it works again")
    run.histories += await afterwards.check(system, run.findings)
    await _end(run, system)
    await _purge(run, system)
    app_log.check(system.lines.text(), run.rows, run.findings)
    run.messages = app_log.check_messages(system.lines.text(), run.findings)
    if system.host.is_ours:
        run.raised = host_log.check(system.host.log, run.findings)
    return run


async def _chaos(run: Run, system: System) -> None:
    acting = asyncio.gather(*(frontends.act(system, one) for one in run.histories))
    try:
        await fault_injection.make(system, run.plan.troubles, run.done)
        await system.clear_faults()
        await asyncio.wait_for(acting, _MAX_SECONDS)
    finally:
        acting.cancel()


async def _quiet(run: Run, system: System) -> None:
    system.host.look()
    await system.clear_faults()
    report.say("faults off, host up; the rows must agree while sessions are still open")
    tables.check(await system.watcher.settled(), run.findings, system)


async def _end(run: Run, system: System) -> None:
    for number in range(_MAX_SWEEPS):
        await system.skip(_NEXT_SKIP if number else _FIRST_SKIP)
        await sweep(system)
        run.rows = await system.watcher.settled()
        left = [row for row in tables.by_kind(run.rows, "session") if _is_unfinished(row)]
        report.say(f"time passes, sweep {number + 1}: {len(left)} sessions left to end")
        if not left:
            break
    await _judge(run, system)


async def _judge(run: Run, system: System) -> None:
    findings, rows = run.findings, run.rows
    _, alive = await system.control("GET", "sessions")
    _, requests = await system.control("GET", "requests")
    _, events = await system.control("GET", "events")
    kept = await system.pictures()
    run.events, run.pictures = len(events), len(kept)
    alive_ids = {str(one["sessionId"]) for one in alive}
    for face_id in system.watcher.named:
        owner = _owner(rows, face_id)
        findings.check(
            face_id not in alive_ids, "Face keeps no session that was recorded", face_id, owner
        )
    nameless = sorted(alive_ids - system.watcher.named)
    run.orphans = len(nameless)
    orphans.check(nameless, rows, run.histories, system, findings)
    tables.check(rows, findings, system)
    system.versions.check(rows, findings)
    invariants.check(rows, run.histories, system, findings)
    persons.check(rows, run.histories, system, findings)
    pictures.check(kept, rows, requests, findings)
    endings.check(events, rows, system.skew, findings)
    poison = await system.poisoned()
    findings.check(not poison, "no message is poison", poison)


async def _purge(run: Run, system: System) -> None:
    await system.skip(RETENTION_SECONDS + _DAY)
    for _ in range(3):
        await sweep(system)
        rows = await system.watcher.settled()
        if not rows:
            break
    names = [(row["PartitionKey"], row["RowKey"]) for row in rows]
    run.findings.check(not rows, "after the retention nothing is left", names)
    left = list(await system.pictures())
    run.findings.check(not left, "after the retention no picture is left", left)
    _, alive = await system.control("GET", "sessions")
    run.findings.check(not alive, "Face has forgotten every orphan", alive)
    system.host.look()


async def sweep(system: System) -> None:
    """Run a sweep that begins now, and wait until one has ended that can be no other."""
    before = system.lines.size
    for _ in range(2):
        await system.sweep()
    # One that was under way may end first.
    await system.lines.wait_for("sweep ended", 2, since=before, seconds=_MAX_SWEEP_SECONDS)


def _is_unfinished(row: Row) -> bool:
    is_walked = not row["atFace"] and "eventDueSince" not in row
    return row["status"] not in FINAL or not is_walked


def _owner(rows: list[Row], face_id: str) -> str | None:
    return next(
        (
            str(row["RowKey"]).removeprefix("session-")
            for row in rows
            if row.get("faceSessionId") == face_id
        ),
        None,
    )
