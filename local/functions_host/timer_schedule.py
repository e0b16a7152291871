"""When a timer runs, and whether it missed a run while the host was away. No I/O here.

The rules are those of the WebJobs SDK's ScheduleMonitor and TimerListener:
https://github.com/Azure/azure-webjobs-sdk-extensions/tree/main/src/WebJobs.Extensions/Extensions/Timers
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from local.functions_host.ncrontab import Ncrontab

_NEVER = datetime(1, 1, 1, tzinfo=UTC)  # .NET's default


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerStatus:
    """What is known of a timer between two lives of the host."""

    last: datetime | None
    next: datetime
    updated: datetime

    def to_json(self) -> str:
        """Write it as the real host does."""
        last = (self.last or _NEVER).isoformat()
        return json.dumps(
            {"Last": last, "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}
        )

    @classmethod
    def from_json(cls, text: str) -> "TimerStatus":
        """Read what `to_json` has written."""
        fields = json.loads(text)
        last = datetime.fromisoformat(fields["Last"])
        return cls(
            last=None if last.replace(tzinfo=UTC) == _NEVER else last,
            next=datetime.fromisoformat(fields["Next"]),
            updated=datetime.fromisoformat(fields["LastUpdated"]),
        )


def status_at_start(stored: TimerStatus | None, schedule: Ncrontab, now: datetime) -> TimerStatus:
    """Begin from what is stored, unless the schedule has changed since."""
    if stored is None:
        return TimerStatus(last=None, next=schedule.next_after(now), updated=now)
    updated = stored.last or stored.updated
    expected = schedule.next_after(updated)
    if stored.next == expected:
        return stored
    # A run that only the new schedule would have had is not past due.
    if now > expected:
        expected, updated = schedule.next_after(now), now
    return TimerStatus(last=None, next=expected, updated=updated)


def status_after_run(
    status: TimerStatus, schedule: Ncrontab, ran_at: datetime, *, is_scheduled: bool
) -> TimerStatus:
    """Count from the run, or from its due time when a clock let it run early."""
    counted = max(ran_at, status.next) if is_scheduled else ran_at
    return TimerStatus(last=counted, next=schedule.next_after(counted), updated=counted)


def timer_payload(status: TimerStatus | None, *, is_past_due: bool) -> str:
    """Describe a run to the function; without a monitor there is no status."""
    return json.dumps(
        {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": json.loads(status.to_json()) if status else None,
            "IsPastDue": is_past_due,
        }
    )
