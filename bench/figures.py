"""Prints what was measured: Markdown on stdout, progress on stderr."""

import sys
from collections.abc import Sequence


def report(line: str) -> None:
    """Say on stderr what is being done."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress


def row(*cells: object) -> None:
    """Print one row of a Markdown table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)  # noqa: T201 - the answer


def heading(*names: str) -> None:
    """Print the head of a Markdown table."""
    print()  # noqa: T201 - the answer
    row(*names)
    row(*("---" for _ in names))


def note(text: str) -> None:
    """Print a line below or above a table."""
    print(f"\n{text}", flush=True)  # noqa: T201 - the answer


def ratio(value: float, base: float) -> str:
    """Write a ratio."""
    return f"{value / base:.2f}" if base else "-"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
