"""What the app's own lines must say, on whatever host it ran."""

import re
from collections import Counter
from collections.abc import Sequence

from tests.chaos.findings import Findings
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row

# What Python says where a task, a coroutine or a connection was left to itself.
_STRAY = re.compile(
    r" (ERROR|CRITICAL) asyncio | py\.warnings |^Traceback \(most recent call last\)"
)
_ENDED = re.compile(r'face_liveness session ended sessionId="(\w+)" kind="\w+" status="(\w+)"')


def check(text: str, rows: Sequence[Row], findings: Findings) -> None:
    """Check that nothing was left to itself, and that each end is logged once, as it is stored."""
    strays = [line for line in text.splitlines() if _STRAY.search(line)]
    findings.check(not strays, "nothing in the app's process is left to itself", strays[:10])
    ended = Counter(_ENDED.findall(text))
    stored = {
        (row["RowKey"].removeprefix("session-"), row["status"]) for row in by_kind(rows, "session")
    }
    for end, times in ended.items():
        findings.check(times == 1, "an end is logged once", (end, times), end[0])
        findings.check(end in stored, "the end that is logged is the one recorded", end, end[0])
