"""What must hold of the table's rows at any quiet moment."""

from collections.abc import Sequence

from tests.chaos.findings import Findings
from tests.chaos.system import System
from tests.chaos.watcher import Row
from tests.support.rows import flaws_in

_KINDS = ("session-", "alarm-", "answer-", "p:")


def by_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """Return the rows of a kind: session, alarm, answer."""
    return [row for row in rows if row["RowKey"].startswith(f"{kind}-")]


def check(rows: Sequence[Row], findings: Findings, system: System) -> None:
    """Check alarms and ledgers."""
    flaws = flaws_in(rows, system.now() + system.skew.margin)
    findings.check(not flaws, "alarms and ledgers fit the sessions", flaws)
    strange = [row for row in rows if not row["RowKey"].startswith(_KINDS)]
    findings.check(not strange, "the table holds known rows only", strange)
