"""What anybody may ask; it touches nothing outside, so it works without settings."""

from functools import cache
from pathlib import Path

from msgspec import Raw

from shared.api.contract import HealthReply
from shared.api.responses import Reply


def get_health() -> Reply:
    """Say that the app runs."""
    return Reply(status=200, body=HealthReply(status="ok"))


def get_openapi() -> Reply:
    """Give the OpenAPI document, which `make openapi` writes."""
    return Reply(status=200, body=_read_document())


@cache
def _read_document() -> Raw:
    return Raw(Path(__file__).with_name("openapi.json").read_bytes())
