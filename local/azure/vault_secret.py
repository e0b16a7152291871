"""The vault's two secrets, the Face key and the app's own, and every version they ever had."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from local import json_file

FIRST_KEY = "local-face-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretNames:
    """What the secrets are called in the vault."""

    face_key: str = "face-api-key"
    app: str = "app-secret"

    @classmethod
    def of_settings(cls, settings: Mapping[str, str]) -> "SecretNames":
        """Call them as the app's settings do, where they say so."""
        given = {
            "face_key": settings.get("FACE_KEY_SECRET_NAME"),
            "app": settings.get("APP_SECRET_NAME"),
        }
        return cls(**{field: name for field, name in given.items() if name})


DEFAULT_NAMES = SecretNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the secret."""

    version: str
    value: str
    created_at: int


class VaultSecret:
    """Keeps the versions in a file, the newest last; the newest one counts."""

    def __init__(
        self, name: str, path: Path, now: Callable[[], datetime], *, first: str | None = None
    ) -> None:
        """Take up the versions kept in this file, or begin with the first one, drawn if not given.

        One that is drawn is as long as the deployment makes it: three GUIDs.
        """
        self.name = name
        self._path = path
        self._now = now
        self._versions = [Version(**facts) for facts in json_file.read(path, default=[])]
        if not self._versions:
            self.rotate(first or secrets.token_hex(54))

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
