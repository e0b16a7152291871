"""What anybody may ask; it touches nothing, so it works without settings."""

from shared.api.contract import HealthReply
from shared.api.responses import Reply


def get_health() -> Reply:
    """Say that the app runs."""
    return Reply(status=200, body=HealthReply(status="ok"))
