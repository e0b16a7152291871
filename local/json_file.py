"""A JSON value in a file that only its owner can read, replaced whole or not at all."""

import json
import os
import tempfile
from pathlib import Path

# Any on purpose: this is where JSON comes in, and its readers say at once what they expect.
from typing import Any


def read(path: Path, *, default: object = None) -> Any:  # noqa: ANN401 - JSON comes in here
    """Read the value, or the default where nothing was kept yet."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return default


def write(path: Path, value: object) -> None:
    """Replace the file in one step, so that no reader and no crash ever sees half of it."""
    write_bytes(path, json.dumps(value).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file in one step; it may hold a secret, so its mode is 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
