"""Which facts may be logged, and how: one line per event, from a closed list of names."""

import logging

# Keys, tokens, images, digests, bodies, device and user ids are none of these, on purpose.
_ALLOWED = {
    "session_id": "sessionId",
    "kind": "kind",
    "status": "status",
    "outcome": "outcome",
    "reasons": "reasons",
    "model_version": "modelVersion",
    "code": "code",
    "cause": "cause",
    "operation": "operation",
    "shard": "shard",
    "due": "due",
    "left": "left",
    "settled": "settled",
    "postponed": "postponed",
    "skipped": "skipped",
    "abandoned": "abandoned",
    "deleted": "deleted",
    "purged": "purged",
    "failed": "failed",
    "oldest_seconds": "oldestSeconds",
}

_logger = logging.getLogger("face_liveness")


def log_event(event: str, /, *, level: int = logging.INFO, **fields: object) -> None:
    """Log `event name="value" ...`, which a query can take apart, without facts that are None."""
    written = [
        f'{_ALLOWED[name]}="{_one_line(value)}"'
        for name, value in fields.items()
        if value is not None
    ]
    _logger.log(level, "%s", " ".join([event, *written]))


def silence_sdk_logs() -> None:
    """Keep Microsoft's SDKs from logging every request with its URL and headers."""
    logging.getLogger("azure").setLevel(logging.WARNING)


def _one_line(value: object) -> str:
    return "".join(sign if sign.isprintable() and sign != '"' else " " for sign in str(value))
