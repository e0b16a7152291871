"""How a time is written."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Write a time so that it sorts as text, to the millisecond, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
