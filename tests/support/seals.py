"""The app's own seals, for tests that compare what a table holds."""

import secrets
from pathlib import Path

from local import json_file
from shared.secret import Secret
from shared.store.sealing import Sealer


def sealer_of(state: Path) -> Sealer:
    """Seal and hash as the app on this stack does."""
    (version,) = json_file.read(state / "app-secret.json")
    return Sealer(Secret(str(version["value"])), secrets.token_bytes)
