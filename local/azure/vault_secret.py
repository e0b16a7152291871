"""The vault's one secret, the Face key, and every version it ever had."""

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from local import json_file

FIRST_KEY = "local-face-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the secret."""

    version: str
    value: str
    created_at: int


class VaultSecret:
    """Keeps the versions in a file, the newest last; the newest is the key that Face takes."""

    def __init__(self, name: str, path: Path, now: Callable[[], datetime]) -> None:
        """Take up the versions kept in this file, or begin with the first key."""
        self.name = name
        self._path = path
        self._now = now
        self._versions = [Version(**facts) for facts in json_file.read(path, default=[])]
        if not self._versions:
            self.rotate(FIRST_KEY)

    @property
    def current(self) -> Version:
        """Return the newest version."""
        return self._versions[-1]

    def rotate(self, value: str) -> None:
        """Add a version, which from now on is the key."""
        created_at = int(self._now().timestamp())
        added = Version(version=uuid.uuid4().hex, value=value, created_at=created_at)
        self._versions.append(added)
        json_file.write(self._path, [asdict(version) for version in self._versions])

    def find(self, name: str, version: str) -> Version | None:
        """Return the version asked for; no version means the newest."""
        if name.lower() != self.name.lower():
            return None
        if not version:
            return self.current
        return next((each for each in self._versions if each.version == version), None)
