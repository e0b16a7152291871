"""The run from start to end: chaos, then quiet, then the invariants."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos import frontends, host_log, invariants, mischief, report, tables
from tests.chaos.findings import Findings
from tests.chaos.history import History
from tests.chaos.plan import Plan
from tests.chaos.stage import Stage
from tests.chaos.watcher import Row

_MINUTE, _DAY = 60, 86_400
# Long enough for the longest token with its grace, and later for the longest delay of an alarm.
_FIRST_SKIP, _NEXT_SKIP = 16 * _MINUTE, 61 * _MINUTE
_MAX_SWEEPS = 8
_MAX_SWEEP_SECONDS = 60
_RETENTION_SECONDS = 91 * _DAY
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


async def perform(plan: Plan, stage: Stage) -> Run:
    """Play the plan, let everything come to rest, and check."""
    run = Run(plan=plan, histories=[History(script=script) for script in plan.scripts])
    watching = asyncio.create_task(stage.watcher.run())
    progress = asyncio.create_task(report.progress(run.histories, run.done, stage))
    try:
        await _chaos(run, stage)
    finally:
        for task in (watching, progress):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    await _quiet(run, stage)
    await _end(run, stage)
    await _purge(run, stage)
    run.raised = host_log.check(stage.host.log, run.findings)
    return run


async def _chaos(run: Run, stage: Stage) -> None:
    acting = asyncio.gather(*(frontends.act(stage, one) for one in run.histories))
    try:
        await mischief.make(stage, run.plan.troubles, run.done)
        await stage.clear_faults()
        await asyncio.wait_for(acting, _MAX_SECONDS)
    finally:
        acting.cancel()


async def _quiet(run: Run, stage: Stage) -> None:
    stage.host.look()
    await stage.clear_faults()
    report.say("faults off, host up; the rows must agree while sessions are still open")
    tables.check(await stage.watcher.settled(), run.findings)


async def _end(run: Run, stage: Stage) -> None:
    for number in range(_MAX_SWEEPS):
        await stage.skip(_NEXT_SKIP if number else _FIRST_SKIP)
        await sweep(stage)
        run.rows = await stage.watcher.settled()
        left = [row for row in tables.by_kind(run.rows, "session") if _is_unfinished(row)]
        report.say(f"time passes, sweep {number + 1}: {len(left)} sessions left to end")
        if not left:
            break
    _, alive = await stage.control("GET", "sessions")
    ids = {str(one["sessionId"]) for one in alive}
    run.orphans = len(ids - stage.watcher.named)
    findings = run.findings
    for face_id in stage.watcher.named | {
        one.face_session_id for history in run.histories for one in history.opened
    }:
        owner = _owner(run.rows, face_id)
        findings.check(
            face_id not in ids, "Face keeps no session that was recorded", face_id, owner
        )
    tables.check(run.rows, findings)
    invariants.check(run.rows, run.histories, stage, findings)
    poison = await stage.poisoned()
    findings.check(not poison, "no message is poison", poison)


async def _purge(run: Run, stage: Stage) -> None:
    await stage.skip(_RETENTION_SECONDS)
    for _ in range(3):
        await sweep(stage)
        rows = await stage.watcher.settled()
        if not rows:
            break
    names = [(row["PartitionKey"], row["RowKey"]) for row in rows]
    run.findings.check(not rows, "after the retention nothing is left", names)
    stage.host.look()


async def sweep(stage: Stage) -> None:
    """Run a sweep that begins now, and wait until one has ended that can be no other."""
    # One that was under way may end first.
    wanted = stage.host.sweeps + 2
    for _ in range(2):
        await stage.sweep()
    for _ in range(_MAX_SWEEP_SECONDS * 10):
        if stage.host.sweeps >= wanted:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("a sweep did not end")


def _is_unfinished(row: Row) -> bool:
    return row["status"] not in tables.FINAL or row["atFace"]


def _owner(rows: list[Row], face_id: str) -> str | None:
    return next(
        (
            str(row["RowKey"]).removeprefix("session-")
            for row in rows
            if row.get("faceSessionId") == face_id
        ),
        None,
    )
