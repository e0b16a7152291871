import re
from dataclasses import astuple

from tests.rules.source import ROOT
from tests.support.fault_proxy import Fault
from tests.support.fault_table import IMAGE_TABLE, OTHERS, STATES, TABLE, Line

DOCUMENT = ROOT / "docs" / "reliability.md"


def tables() -> list[list[list[str]]]:
    """Give every table of the document as rows of cells, its heading first."""
    blocks = re.findall(r"(?:^\|.*\n)+", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    rows = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        for block in blocks
    ]
    return [[row for row in block if set("".join(row)) - set("-: ")] for block in rows]


def table(first: str) -> list[list[str]]:
    (found,) = (rows[1:] for rows in tables() if rows[0][0] == first)
    return found


def cells(call: str, route: str, line: Line) -> list[str]:
    faults = "every other" if line.faults is OTHERS else ", ".join(line.faults)
    return [call, route, faults, line.seen, line.stored, line.then]


def test_the_documents_fault_table_is_the_one_that_the_journeys_play() -> None:
    played = [
        cells(*place, line) for place, lines in (TABLE | IMAGE_TABLE).items() for line in lines
    ]
    played += [list(astuple(state)) for state in STATES]

    assert table("outside call") == played


def test_the_document_explains_every_fault_that_is_played() -> None:
    explained = {name.strip() for row in table("fault") for name in row[0].split(",")}

    assert explained == {str(fault) for fault in Fault}
