"""What is asked of the logs, what the logs hold, and Microsoft's own parser between the two."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.support import packages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "kusto"
SAMPLES = ROOT / "tests" / "samples" / "telemetry" / "items.jsonl"
# Every query that is deployed, or that a person is told to paste.
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))

type Row = dict[str, Any]

# As the classic tables of Application Insights name what the host sends:
# https://learn.microsoft.com/azure/azure-monitor/app/convert-classic-resource#table-structure
_TABLES = {"AppTraces": "traces", "AppRequests": "requests", "AppExceptions": "exceptions"}
_TYPES = {bool: "bool", dict: "dynamic", float: "real", int: "long", str: "string"}


def snapshot(name: str) -> list[Row]:
    """Give what a parameter file of infra/ would make."""
    text = (ROOT / "infra" / f"{name}.snapshot.json").read_text(encoding="utf-8")
    resources: list[Row] = json.loads(text)["predictedResources"]
    return resources


def alert_queries() -> dict[str, str]:
    """Give the query of every alert on logs that production has, by its name."""
    return {
        one["name"].partition("-liveness-")[0]: one["properties"]["criteria"]["allOf"][0]["query"]
        for one in snapshot("production")
        if one["type"] == "Microsoft.Insights/scheduledQueryRules"
    }


def workbook_questions() -> dict[str, tuple[str, str]]:
    """Give title and query of every part of the workbook; a query is empty if there is none."""
    text = (ROOT / "infra" / "workbook.bicep").read_text(encoding="utf-8")
    parts = re.findall(
        r"(?s)name: '([\w-]+)'\n    title: '([^\n]+)'\n.*?    query: (?:'''(.*?)'''|'')\n", text
    )
    return {name: (title, query.strip()) for name, title, query in parts}


def document_queries() -> dict[str, str]:
    """Give every query of the documents, by where it stands."""
    return {
        f"{path.name}:{text[: block.start()].count('\n') + 1}": block[1]
        for path in DOCUMENTS
        for text in [path.read_text(encoding="utf-8")]
        for block in re.finditer(r"(?ms)^```kusto\n(.*?)^```", text)
    }


def row_of(item: Row) -> Row:
    """Turn an item as the host sends it into the row that a query sees."""
    data, tags = item["data"]["baseData"], item["tags"]
    row = {
        "table": _TABLES[item["name"]],
        "timestamp": item["time"],
        "itemType": _TABLES[item["name"]].removesuffix("s"),
        "itemCount": 1,
        "operation_Id": tags.get("ai.operation.id", ""),
        "operation_Name": tags.get("ai.operation.name", ""),
        "operation_ParentId": tags.get("ai.operation.parentId", ""),
        "customDimensions": data["properties"],
    }
    if exceptions := data.get("exceptions"):
        row |= {
            "type": exceptions[0]["typeName"],
            "outerMessage": exceptions[0]["message"],
            "innermostMessage": exceptions[-1]["message"],
        }
    if "message" in data:
        row["message"] = data["message"]
    if "responseCode" in data:
        hours, minutes, seconds = data["duration"].split(":")
        milliseconds = 1000 * (3600 * int(hours) + 60 * int(minutes) + float(seconds))
        row |= {
            "id": data["id"],
            "name": data["name"],
            "resultCode": data["responseCode"],
            "success": str(data["success"]),
            "duration": milliseconds,
        }
    return row


@cache
def samples() -> tuple[Row, ...]:
    """Give what the real host sent, one item of each kind, as rows."""
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()
    return tuple(row_of(json.loads(line)) for line in lines)


def recorded_tables() -> dict[str, str]:
    """Give the schema of each table: the columns that the host really filled, and no other."""
    columns: dict[str, dict[str, str]] = {}
    for row in samples():
        known = columns.setdefault(row["table"], {})
        known |= {name: _TYPES[type(value)] for name, value in row.items() if name != "table"}
        known["timestamp"] = "datetime"
    return {
        table: "(" + ", ".join(f"{name}: {kind}" for name, kind in known.items()) + ")"
        for table, known in columns.items()
    }


def install_parser() -> None:
    """Fetch Microsoft's parser from npm, unless the one that is locked is there."""
    packages.install(FOLDER)


def findings(tables: dict[str, str], queries: dict[str, str]) -> dict[str, list[str]]:
    """Say what the parser finds wrong with each query, for those with which anything is."""
    found: dict[str, list[str]] = packages.run(
        FOLDER, "check.js", {"tables": tables, "queries": queries}
    )
    return {name: wrong for name, wrong in found.items() if wrong}


def matching(queries: dict[str, str], rows: list[Row]) -> dict[str, list[Row]]:
    """Give, for each of some alerts, the rows that pass its filters; `found` is what it extracts.

    What no row passes is left out.
    """
    passed: dict[str, list[Row]] = packages.run(
        FOLDER, "filter.js", {"queries": queries, "rows": rows}
    )
    return {name: found for name, found in passed.items() if found}
