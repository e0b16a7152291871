"""The tokens that Face hands out for a device: each opens one session, and only Face reads it."""

import secrets
from pathlib import Path

import jwt

from local import json_file

_ALGORITHM = "HS256"


class DeviceTokens:
    """Signs and reads tokens with a secret that nobody else has."""

    def __init__(self, path: Path) -> None:
        """Keep the secret in this file, made on first use, so that tokens outlive a restart."""
        if not path.exists():
            json_file.write_bytes(path, secrets.token_bytes(32))
        self._secret = path.read_bytes()

    def issue(self, session_id: str) -> str:
        """Make the token of a session."""
        return jwt.encode({"sid": session_id}, self._secret, _ALGORITHM)

    def session_id(self, token: str) -> str | None:
        """Return whose token it is, or None for one that is not ours."""
        try:
            return str(jwt.decode(token, self._secret, algorithms=[_ALGORITHM]).get("sid"))
        except jwt.InvalidTokenError:
            return None
