"""Who calls, where callers come with an identity."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An application, and whom it acts for: itself, or a person."""

    app_id: str
    object_id: str
