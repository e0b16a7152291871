"""Every query of alerts and documents is one that Azure takes, and asks for what is there."""

import json
import re

import pytest

from shared import telemetry
from tests.rules.source import MODULES, ROOT, tree_of
from tests.support import kusto

# Tables that other services fill; the columns are those of their documentation:
# https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
WORKSPACE_TABLES = {
    "_LogOperation": "(TimeGenerated: datetime, Category: string, Detail: string)",
    "AzureDiagnostics": "(TimeGenerated: datetime, ResourceProvider: string, OperationName: string,"
    " CallerIPAddress: string, httpStatusCode_d: real, identity_claim_appid_g: string,"
    " requestUri_s: string)",
    "StorageBlobLogs": "(TimeGenerated: datetime, AccountName: string, Category: string,"
    " OperationName: string, AuthenticationType: string, RequesterObjectId: string,"
    " RequesterAppId: string, CallerIpAddress: string, Uri: string, UserAgentHeader: string)",
    "StorageTableLogs": "(TimeGenerated: datetime, AccountName: string, Category: string,"
    " OperationName: string, AuthenticationType: string, RequesterObjectId: string,"
    " RequesterAppId: string, CallerIpAddress: string, Uri: string, UserAgentHeader: string)",
    "Usage": "(TimeGenerated: datetime, DataType: string, IsBillable: bool, Quantity: real)",
}
QUESTIONS = kusto.workbook_questions()
QUERIES = {
    **kusto.alert_queries(),
    **{f"workbook {name}": query for name, (_, query) in QUESTIONS.items() if query},
    **kusto.document_queries(),
}
CODE = "\n".join(path.read_text(encoding="utf-8") for path in MODULES.values())


@pytest.fixture(scope="module", autouse=True)
def parser() -> None:
    kusto.install_parser()


def test_every_query_is_understood_by_microsofts_own_parser() -> None:
    tables = kusto.recorded_tables() | WORKSPACE_TABLES

    assert len(QUERIES) > 10
    assert kusto.findings(tables, QUERIES) == {}


def test_the_parser_knows_what_the_host_never_sent() -> None:
    wrong = {"never sent": "traces | where outerMessage has 'x'", "no word": "traces | wher true"}

    assert set(kusto.findings(kusto.recorded_tables(), wrong)) == set(wrong)


@pytest.mark.parametrize("name", QUERIES)
def test_a_dimension_that_is_asked_for_is_one_that_the_host_sends(name: str) -> None:
    sent = {key for row in kusto.samples() for key in row["customDimensions"]}
    asked = re.findall(r'customDimensions(?:\.(\w+)|\["([^"]+)"\])', QUERIES[name])

    assert {plain or quoted for plain, quoted in asked} <= sent


@pytest.mark.parametrize("name", QUERIES)
def test_a_line_that_is_looked_for_is_one_that_is_written(name: str) -> None:
    events = re.findall(r'message startswith "([^"]+)"', QUERIES[name])
    recorded = [row["message"] for row in kusto.samples() if "message" in row]
    facts = set(re.findall(r'["\'](\w+)=\\?"', QUERIES[name]))
    for pairs in re.findall(r"parse-kv message as \(([^)]*)\)", QUERIES[name]):
        facts |= set(re.findall(r"(\w+):", pairs))

    assert not [
        event
        for event in events
        if f'"{event}"' not in CODE and not any(one.startswith(event) for one in recorded)
    ]
    assert facts <= set(telemetry.WRITTEN_NAMES.values())


@pytest.mark.parametrize("name", kusto.alert_queries())
def test_what_an_alert_looks_for_within_a_line_is_something_that_the_app_says(name: str) -> None:
    looked_for = re.findall(r'message contains "((?:[^"\\]|\\.)*)"', QUERIES[name])
    words = [re.sub(r'^\w+=\\"|\\"$', "", one) for one in looked_for]

    assert [word for word in words if word not in CODE] == []


def test_an_alert_asks_one_table_as_azure_wants_it() -> None:
    # Azure makes no rule of a query with union or search:
    # https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-query#log-query-constraints
    for name, query in kusto.alert_queries().items():
        table, *_ = query.split()
        assert table in {*kusto.recorded_tables(), *WORKSPACE_TABLES}, name
        assert not re.search(r"\b(union|search)\b", query), name


def test_the_workbook_asks_ten_questions_and_answers_each() -> None:
    numbers = [title.partition(".")[0] for title, _ in QUESTIONS.values() if title[0].isdigit()]

    assert numbers == [str(number) for number in range(1, 11)]
    # Face's own metrics answer that.
    assert {name for name, (_, query) in QUESTIONS.items() if not query} == {"face"}


def functions() -> set[str]:
    """Name every function of the app."""
    return {
        node.name
        for node in tree_of(ROOT / "function_app.py").body
        if getattr(node, "decorator_list", None) and hasattr(node, "name")
    }


def test_a_call_sends_its_request_and_its_own_line_and_nothing_else() -> None:
    logging = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["logging"]

    # A wildcard would silence our lines too, so each function is named.
    assert logging["logLevel"] == {
        "default": "Warning",
        "Host.Results": "Information",
        "Function": "Warning",
        **{f"Function.{name}.User": "Information" for name in functions()},
    }


def test_a_flood_of_requests_is_sampled_and_the_queries_count_what_each_stands_for() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]

    assert sampling["isEnabled"]
    assert set(sampling["excludedTypes"].split(";")) == {"Exception", "Trace"}
    for rule in kusto.snapshot("production"):
        if rule["type"] == "Microsoft.Insights/scheduledQueryRules":
            (one,) = rule["properties"]["criteria"]["allOf"]
            if "requests" in one["query"]:
                assert one["metricMeasureColumn"] == "itemCount"
                assert one["timeAggregation"] == "Total"
    uncounted = [
        name for name, query in QUERIES.items() if "requests" in query and "count()" in query
    ]
    assert uncounted == []
