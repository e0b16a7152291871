"""The folder for what must last, which one stack at a time may use."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from local.ports import StackError


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[Path]:
    """Hold the folder, made if need be; the system lets go of it however this process ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise StackError(f"the state directory {folder} cannot be used: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another stack uses the state directory {folder}: stop it, or choose --state"
            raise StackError(message) from error
        yield folder.resolve()
