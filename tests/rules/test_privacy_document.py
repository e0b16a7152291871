"""docs/privacy.md names whatever is kept of people and said in logs, and nothing else."""

import re

from shared.store import alarm_rows, erasure_store, ledger_rows, session_rows
from shared.store.columns import Columns
from shared.store.images import CONTAINER_NAME
from shared.store.session_store import TABLE_NAME
from shared.telemetry import WRITTEN_NAMES
from tests.rules.source import ROOT

DOCUMENT = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names_in(text: str) -> set[str]:
    return set(re.findall(r"`([A-Za-z0-9]+)`", text))


def columns() -> set[str]:
    """Find every column that is written, whichever row it is in."""
    of_ledger_and_erasures = {
        name
        for module in (ledger_rows, erasure_store)
        for found in vars(module).values()
        if isinstance(found, Columns)
        for name in found.names()
    }
    of_others = {alarm_rows._DELAYS, alarm_rows._SINCE, ledger_rows._SEALED_ANSWER}
    return session_rows._KNOWN | of_ledger_and_erasures | of_others


def test_every_column_is_explained_and_none_that_is_not_there() -> None:
    rows = [line for line in section("What else is kept").splitlines() if line.startswith("|")]
    told = {name for row in rows for name in names_in(row.rpartition("|")[0].rpartition("|")[2])}

    assert told == columns()


def test_every_field_of_the_log_is_named_and_none_that_is_not_there() -> None:
    assert names_in(section("What logs say")) == set(WRITTEN_NAMES.values())


def test_the_places_have_their_names() -> None:
    assert TABLE_NAME in section("What else is kept")
    assert CONTAINER_NAME in section("What is biometric")
