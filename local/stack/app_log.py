"""What the app logs, in a file of the stack's: the same lines on whatever host it runs."""

import logging
from pathlib import Path

_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
# The app's own, and what Python says of tasks, connections and coroutines that nobody looks after.
_LOGGERS = ("face_liveness", "asyncio", "py.warnings")


def open_log(path: Path) -> logging.Handler:
    """Begin to write it; every line is there when the next one is logged."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LINE))
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(handler)
    # As on Azure, whatever the host's own level is.
    logging.getLogger(_LOGGERS[0]).setLevel(logging.INFO)
    return handler


def close_log(handler: logging.Handler) -> None:
    """End it."""
    for name in _LOGGERS:
        logging.getLogger(name).removeHandler(handler)
    handler.close()
