"""docs/operations.md leads an operator on: by its links, its alerts, and in a terminal."""

import re

from tests.rules.source import ROOT

DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_a_link_within_the_document_leads_somewhere() -> None:
    headings = re.findall(r"(?m)^#+ (.+)$", DOCUMENT)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}

    assert {
        link for link in re.findall(r"\]\(#([\w-]+)\)", DOCUMENT) if link not in anchors
    } == set()


def test_each_alert_has_a_paragraph_that_says_what_to_do() -> None:
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (?:page|mail) \|", DOCUMENT)
    paragraphs = "\n".join(re.findall(r"(?m)^\*\*(`.+?`)\.\*\*", DOCUMENT))

    assert rows
    assert [name for name in rows if f"`{name}`" not in paragraphs] == []
