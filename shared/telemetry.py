"""Which fields may be logged, and how: one line per event, from a closed list of names."""

import logging
import re
from typing import TypedDict, Unpack

from shared import trace


class LogFields(TypedDict, total=False):
    """What may be said of an event; what is None is left out.

    Keys, tokens, images, digests, bodies, device and user ids are none of these, on purpose.
    """

    session_id: str | None
    receipt_id: str | None
    kind: str | None
    status: str | None
    outcome: str | None
    reasons: str | None
    model_version: str | None
    code: str | None
    cause: str | Exception | None
    operation: str | None
    trace_id: str | None
    face_request_id: str | None
    client_request_id: str | None
    app_id: str | None
    object_id: str | None
    shard: str | None
    at: str | None
    due: int | None
    left: int | None
    settled: int | None
    postponed: int | None
    skipped: int | None
    abandoned: int | None
    deleted: int | None
    purged: int | None
    failed: int | None
    forgotten: int | None
    held: int | None
    sent: int | None
    unsent: int | None
    oldest_seconds: int | None


WRITTEN_NAMES = {
    name: re.sub("_([a-z])", lambda found: found[1].upper(), name)
    for name in LogFields.__annotations__
}
_logger = logging.getLogger("face_liveness")


def log_event(event: str, /, *, level: int = logging.INFO, **fields: Unpack[LogFields]) -> None:
    """Log `event name="value" ...`, which a query can take apart."""
    if trace_id := trace.find_foreign_id():
        fields["trace_id"] = trace_id
    written = [
        f'{WRITTEN_NAMES[name]}="{_one_line(value)}"'
        for name, value in fields.items()
        # Types say so already; whoever gets around them gets nothing written.
        if name in WRITTEN_NAMES and value is not None
    ]
    _logger.log(level, "%s", " ".join([event, *written]))


def silence_sdk_logs() -> None:
    """Keep Microsoft's SDKs from logging every request with its URL and headers."""
    logging.getLogger("azure").setLevel(logging.WARNING)
    # It logs a traceback for an error that is no JSON; why there is no secret we say ourselves.
    logging.getLogger("azure.keyvault").setLevel(logging.ERROR)


def _one_line(value: object) -> str:
    text = str(value).replace('"', " ")
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)
