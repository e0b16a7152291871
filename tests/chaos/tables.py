"""What must hold of the table's rows at any quiet moment."""

import re
from collections import Counter
from collections.abc import Sequence

from tests.chaos.findings import Findings
from tests.chaos.watcher import Row
from tests.support.constants import FINAL

_ALARM = re.compile(
    r"alarm-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
    r"-(?:record-([0-9a-f]{64})|(?:reported|open|ended|purge)-([0-9a-f]{33}))"
)


def by_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """Return the rows of a kind: session, alarm, key, person."""
    return [row for row in rows if row["RowKey"].startswith(f"{kind}-")]


def check(rows: Sequence[Row], findings: Findings) -> None:
    """Check alarms and counts."""
    _check_alarms(rows, findings)
    _check_counts(rows, findings)
    kinds = ("session", "alarm", "key", "person")
    strange = [row for row in rows if row["RowKey"].partition("-")[0] not in kinds]
    findings.check(not strange, "the table holds known rows only", strange)


def _check_alarms(rows: Sequence[Row], findings: Findings) -> None:
    rings: dict[tuple[str, str], list[str]] = {}
    for row in by_kind(rows, "alarm"):
        found = _ALARM.fullmatch(row["RowKey"])
        findings.check(found, "an alarm's key can be read", row)
        if found:
            owner = f"key-{found[2]}" if found[2] else f"session-{found[3]}"
            rings.setdefault((row["PartitionKey"], owner), []).append(found[1])
    for kind, column in (("session", "alarmAt"), ("key", "endsAt")):
        for row in by_kind(rows, kind):
            alarms = rings.pop((row["PartitionKey"], row["RowKey"]), [])
            findings.check(
                alarms == [row[column]],
                f"every {kind} has exactly one alarm, at its time",
                f"{row['RowKey']} says {row[column]}, its alarms {alarms}",
                row["RowKey"].removeprefix("session-") if kind == "session" else None,
            )
    findings.check(not rings, "no alarm is without its owner", rings)


def _check_counts(rows: Sequence[Row], findings: Findings) -> None:
    is_open = Counter(
        (row["PartitionKey"], f"person-{row['personSha256']}")
        for row in by_kind(rows, "session")
        if row["status"] not in FINAL
    )
    counted = Counter(
        {
            (row["PartitionKey"], row["RowKey"]): row["openSessions"]
            for row in by_kind(rows, "person")
        }
    )
    wrong = {key for key in is_open.keys() | counted.keys() if is_open[key] != counted[key]}
    detail = {key: f"counted {counted[key]}, open {is_open[key]}" for key in wrong}
    findings.check(not wrong, "every person's count of open sessions is true", detail)
    zeros = [key for key, count in counted.items() if count < 1]
    findings.check(not zeros, "no count is kept that is zero", zeros)
