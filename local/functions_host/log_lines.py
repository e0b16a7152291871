"""The log of a host that has a process of its own: one handler, one line for each record."""

import logging

from azure_functions_runtime import (  # type: ignore[import-untyped] # ships no types
    invocation_id_cv,
)

_LINE = "%(asctime)s.%(msecs)03d %(levelname)-7s %(invocation)s%(message)s"


def log_to_stderr() -> None:
    """Send every record to stderr, with the invocation it belongs to."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_LINE, "%H:%M:%S"))
    handler.addFilter(_add_invocation)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The Azure SDKs would log every request with all its headers.
    logging.getLogger("azure").setLevel(logging.WARNING)
    # The worker library logs, at length, what it also returns as a result.
    logging.getLogger("azure.functions").setLevel(logging.CRITICAL)


def _add_invocation(record: logging.LogRecord) -> bool:
    invocation_id = invocation_id_cv.get()
    record.invocation = f"[{invocation_id}] " if invocation_id else ""
    return True
