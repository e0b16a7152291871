"""One session's row together with everything that anybody did to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.chaos import expected
from tests.chaos.history import Asked, History, Played
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One session's row, and everything that anybody did to it."""

    row: Row
    history: History | None
    played: Sequence[Played]
    asked: Sequence[Asked]

    @property
    def session_id(self) -> str:
        return str(self.row["RowKey"]).removeprefix("session-")

    @property
    def status(self) -> str:
        return str(self.row["status"])

    @property
    def verdict(self) -> expected.Verdict | None:
        reasons = str(self.row.get("reasons", ""))
        outcome = self.row.get("outcome")
        return (outcome, tuple(reasons.split(",")) if reasons else ()) if outcome else None

    def time(self, column: str) -> datetime:
        return time_of(self.row[column])


def cases(rows: Sequence[Row], histories: Sequence[History]) -> list[Case]:
    """Put together what belongs together: a session, and what was played on its Face session."""
    owners = {opened.session_id: one for one in histories for opened in one.opened}
    played = [one for history in histories for one in history.played if one.taken]
    found = []
    for row in by_kind(rows, "session"):
        history = owners.get(row["RowKey"].removeprefix("session-"))
        here = [one for one in played if one.face_session_id == row["faceSessionId"]]
        asked = [one for one in history.asked if _is_about(one, row)] if history else []
        found.append(
            Case(
                row=row,
                history=history,
                played=sorted(here, key=lambda one: one.answered),
                asked=sorted(asked, key=lambda one: one.sent),
            )
        )
    return found


def time_of(text: str) -> datetime:
    """Read a row's time."""
    return datetime.fromisoformat(text)


def _is_about(asked: Asked, row: Row) -> bool:
    return asked.opened is not None and row["RowKey"] == f"session-{asked.opened.session_id}"
