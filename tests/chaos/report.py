"""Progress and summary, for people."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tests.chaos.findings import Finding
from tests.chaos.history import History
from tests.chaos.system import System
from tests.chaos.tables import by_kind

if TYPE_CHECKING:
    from tests.chaos.run import Run

_PAUSE_SECONDS = 5.0
_MAX_TOLD = 10


def say(text: str) -> None:
    """Say a line now."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def progress(histories: Sequence[History], done: Counter[str], system: System) -> None:
    """Say how far it is, until canceled."""
    seconds = 0.0
    while True:
        await asyncio.sleep(_PAUSE_SECONDS)
        seconds += _PAUSE_SECONDS
        told = sum(bool(one.opened) for one in histories)
        calls = sum(len(one.asked) for one in histories)
        say(
            f"{seconds:4.0f} s  {told}/{len(histories)} sessions told of, {calls} calls, "
            f"{done['fault']} faults, {system.host.deaths} deaths of the host"
        )


def summary(run: "Run", system: System) -> None:
    """Say what happened, what held and what did not."""
    sessions = by_kind(run.rows, "session")
    endings = Counter(f"{row['status']} {row.get('outcome', '')}".strip() for row in sessions)
    answers = Counter(f"{one.act} {one.status}" for each in run.histories for one in each.asked)
    say(f"\nsessions   {len(sessions)}, {sum(bool(one.opened) for one in run.histories)} told of")
    say(f"endings    {_counts(endings)}")
    say(f"answers    {_counts(answers)}")
    deaths = (
        f"was killed {system.host.deaths} times" if system.host.is_ours else "is not ours to kill"
    )
    say(f"troubles   {_counts(run.done)}; the host {deaths}")
    say(f"raised     {_counts(run.raised)}; {run.messages} messages were sent")
    seconds = run.plan.skew_seconds
    say(f"kept       {run.pictures} pictures; {run.events} events came; clocks {seconds:g} s apart")
    say(f"orphans    {run.orphans} at Face that no record ever named: left to Face's own expiry\n")
    for invariant, count in sorted(run.findings.held.items()):
        broken = sum(one.invariant == invariant for one in run.findings)
        say(f"{'BROKEN' if broken else 'holds '}  {invariant} ({broken or count})")


def failures(run: "Run", system: System, requests: Sequence[dict[str, object]]) -> None:
    """Say everything about what did not hold."""
    found = list(run.findings)
    for finding in found[:_MAX_TOLD]:
        say(f"\n--- {finding.invariant}\n{finding.detail}")
        for line in _story(finding, run, system, requests):
            say(f"    {line}")
    if len(found) > _MAX_TOLD:
        say(f"\n... and {len(found) - _MAX_TOLD} more")


def _story(
    finding: Finding, run: "Run", system: System, requests: Sequence[dict[str, object]]
) -> Iterator[str]:
    if finding.session_id is None:
        return
    session_id = finding.session_id
    yield f"session {session_id}"
    for history in run.histories:
        if any(opened.session_id == session_id for opened in history.opened):
            yield f"{history.script}"
            yield from history.lines()
    faces = set()
    for when, row in system.watcher.steps.get(session_id, ()):
        yield f"{when:%H:%M:%S.%f} row {row}"
        faces.add(row["faceSessionId"])
    for request in requests:
        if str(request["path"]).rpartition("/")[2] in faces:
            yield f"Face {request}"
    yield f"clock moved: {[(f'{when:%H:%M:%S.%f}', by) for when, by in system.skips]}"
    for line in system.lines.text().splitlines():
        if session_id in line:
            yield f"app {line}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
