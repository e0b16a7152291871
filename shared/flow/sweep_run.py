"""What one run of the sweep has seen and done, and the line that tells of it."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.flow.ports import LogEvent
from shared.session.alarm import Alarm, SweepResult

# In these Face has said something; what it has forgotten may have ended without its word.
ANSWERED = {
    SweepResult.SETTLED,
    SweepResult.ABANDONED,
    SweepResult.DELETED,
    SweepResult.POSTPONED,
}


@dataclass(slots=True, kw_only=True)
class SweepRun:
    """Counts, and knows when the run must end."""

    began: datetime
    ends_at: float
    due: int = 0
    results: Counter[SweepResult] = field(default_factory=Counter)
    # Those that Face was asked about in vain.
    unanswered: list[Alarm] = field(default_factory=list)
    _oldest: datetime | None = None

    @property
    def seconds_left(self) -> float:
        """Tell how long the run may still work."""
        return max(0, self.ends_at - asyncio.get_running_loop().time())

    @property
    def is_over(self) -> bool:
        """Is it time to begin nothing more."""
        return self.seconds_left == 0

    @property
    def has_face_answered(self) -> bool:
        """Has Face answered anything in this run."""
        return any(self.results[one] for one in ANSWERED)

    def record(self, alarm: Alarm, result: SweepResult) -> None:
        """Count what came of an alarm."""
        self.results[result] += 1
        # What Face's silence holds is an outage of Face, and no lag of ours.
        if result is SweepResult.HELD or alarm.due_at is None:
            return
        self._oldest = min(alarm.due_at, self._oldest or alarm.due_at)

    def record_all(self, alarms: Iterable[Alarm], result: SweepResult) -> None:
        """Count many of which the same came."""
        for alarm in alarms:
            self.record(alarm, result)

    def log(self, log: LogEvent) -> None:
        """Tell of the run in one line."""
        results = self.results
        age = (self.began - self._oldest).total_seconds() if self._oldest else 0
        log(
            "sweep ended",
            due=self.due,
            settled=results[SweepResult.SETTLED],
            abandoned=results[SweepResult.ABANDONED],
            deleted=results[SweepResult.DELETED],
            purged=results[SweepResult.PURGED],
            failed=results[SweepResult.FAILED],
            held=results[SweepResult.HELD],
            # These are logged only where there are any.
            forgotten=results[SweepResult.FORGOTTEN] or None,
            postponed=results[SweepResult.POSTPONED] or None,
            skipped=results[SweepResult.SKIPPED] or None,
            left=results[SweepResult.LEFT] or None,
            sent=results[SweepResult.SENT] or None,
            unsent=results[SweepResult.UNSENT] or None,
            oldest_seconds=round(age),
        )
