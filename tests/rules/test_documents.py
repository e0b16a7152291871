import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import settings
from shared.api import error_replies
from shared.session.session import Outcome, Reason
from tests.rules.source import ROOT, tree_of
from tests.rules.test_package import repository_files

API, SETTINGS, ARCHITECTURE = (
    ROOT / "docs" / f"{name}.md" for name in ("api", "settings", "architecture")
)
# Written to be read in a terminal, too; the samples are as others wrote them.
DOCUMENTS = sorted(
    ROOT / name
    for name in repository_files()
    if name.endswith(".md") and not name.startswith("tests/samples/")
)

# What the platform itself reads, beside what the app reads.
PLATFORM = {"SWEEP_SCHEDULE", "FUNCTIONS_WORKER_RUNTIME"}
# What tells a laptop from Azure.
LOCAL = {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}
REQUIRED = {
    "FACE_ENDPOINT", "KEY_VAULT_URL", "AzureWebJobsStorage", "SWEEP_SCHEDULE",
    "AZURE_FUNCTIONS_ENVIRONMENT",
}  # fmt: skip
OTHER_STORAGE = {
    "AzureWebJobsStorage__tableServiceUri", "AzureWebJobsStorage__queueServiceUri",
    "IMAGES_BLOB_ENDPOINT",
}  # fmt: skip


def settings_read() -> set[str]:
    return set(settings.NAMES.values())


def example() -> dict[str, str]:
    text = (ROOT / "local.settings.json.example").read_text(encoding="utf-8")
    values: dict[str, str] = json.loads(text)["Values"]
    return values


def tables(document: Path) -> Iterator[list[list[str]]]:
    """Give every table of a document as rows of cells, its heading first."""
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        yield [row for row in rows if set("".join(row)) - set("-: ")]


def table(document: Path, *heading: str) -> list[list[str]]:
    found = [rows[1:] for rows in tables(document) if rows[0][: len(heading)] == [*heading]]
    assert len(found) == 1, f"{document.name} has {len(found)} tables that begin {heading}"
    return found[0]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_example_has_every_setting_that_the_app_reads() -> None:
    assert set(example()) == settings_read() - OTHER_STORAGE | PLATFORM | LOCAL


def test_the_example_says_what_the_defaults_are() -> None:
    values = example() | {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    minimum = {name: value for name, value in values.items() if name in REQUIRED}

    assert settings.from_environment(values) == settings.from_environment(minimum)


def test_the_settings_page_has_every_setting_and_no_other() -> None:
    told = {name for row in table(SETTINGS, "setting", "default") for name in words(row[0])}

    assert told == settings_read() | {"SWEEP_SCHEDULE"}


def test_the_settings_page_says_what_the_defaults_are() -> None:
    defaults = {
        words(row[0])[0]: "" if row[1].startswith("none") else row[1].strip("`")
        for row in table(SETTINGS, "setting", "default")
        if not row[1].startswith("required")
    }
    none = {name for name, default in defaults.items() if default == "none"}
    values = example() | {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    minimum = {name: value for name, value in values.items() if name in REQUIRED}
    loaded = settings.from_environment(minimum)
    fields = {name: field for field, name in settings.NAMES.items()}

    assert settings.from_environment(minimum | defaults | dict.fromkeys(none, "")) == loaded
    assert not any(getattr(loaded, fields[name]) for name in none)


def routes_of_the_app() -> set[tuple[str, str]]:
    routes = set()
    for function in tree_of(ROOT / "function_app.py").body:
        for call in getattr(function, "decorator_list", ()):
            if ast.unparse(call.func) == "app.route":
                (methods,) = (word.value for word in call.keywords if word.arg == "methods")
                path = ast.literal_eval(call.args[0])
                routes |= {
                    (f"{method} /{path}", getattr(function, "name", ""))
                    for method in ast.literal_eval(methods)
                }
    return routes


def test_the_api_page_has_every_route_and_no_other() -> None:
    rows = table(API, "route", "who", "function")

    assert {(words(row[0])[0], words(row[2])[0]) for row in rows} == routes_of_the_app()


def test_the_api_page_has_every_error_with_its_status() -> None:
    told = {
        (int(status), code)
        for status, codes, *_ in table(API, "status", "code")
        for code in words(codes)
    }

    assert told == set(error_replies.STATUS_BY_ERROR.values())


def test_the_api_page_has_every_outcome_with_its_reasons() -> None:
    told = {words(row[0])[0]: set(words(row[1])) for row in table(API, "outcome", "reasons")}

    assert set(told) == set(Outcome)
    # The one reason of a session without an outcome stands beside the table.
    assert set().union(*told.values()) == set(Reason) - {Reason.CANCELED_DURING_CHECK}
    assert f"`{Reason.CANCELED_DURING_CHECK}`" in API.read_text(encoding="utf-8")
    assert told["passed"] == set()


def test_the_architecture_says_why_each_package_is_needed() -> None:
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    needed = {line.partition("==")[0] for line in lines if "==" in line}

    assert {
        name for row in table(ARCHITECTURE, "package", "why") for name in words(row[0])
    } == needed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_what_a_document_points_to_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    paths = re.findall(r"`((?:shared|tests|local|docs|scripts|infra|support)/[\w./-]+)`", text)

    places = {document.parent / name for name in links}
    places |= {_place(document, name) for name in paths}
    assert not [place for place in places if not place.exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_the_heading_that_a_document_points_to_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text)
    places = [((document.parent / name if name else document).resolve(), to) for name, to in links]

    assert [(place.name, to) for place, to in places if to not in _headings(place)] == []


def _headings(document: Path) -> set[str]:
    """Give the headings of a page as GitHub calls them in an address."""
    text = re.sub(r"(?ms)^```.*?^```", "", document.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text))
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def _place(document: Path, name: str) -> Path:
    return (document.parent if name.startswith("support/") else ROOT) / name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_lines_fit_a_terminal(document: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", document.read_text(encoding="utf-8"))
    # A table has no line ends of its own, nor has an address or a command.
    lines = [
        re.sub(r"\(https?:[^)]+\)|https?:\S+|`az [^`]+`", "", line) for line in text.splitlines()
    ]

    assert [line for line in lines if len(line) > 100 and not line.startswith(("|", "  <"))] == []


def test_the_glossary_is_in_order() -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text())
    terms = [term.lower() for term in rows[1:]]

    assert terms == sorted(terms)
    assert len(set(terms)) == len(terms) > 40
