"""Tokens that this stack signs and can recognize later: JWTs with a key of its own."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from local import json_file

_HEADER = {"alg": "HS256", "typ": "JWT"}


def load_signing_key(path: Path) -> bytes:
    """Load the signing key, made on first use, so that tokens outlive a restart."""
    if not path.exists():
        json_file.write_bytes(path, secrets.token_bytes(32))
    return path.read_bytes()


class TokenIssuer:
    """Signs claims in one name and reads back only what it signed itself."""

    def __init__(self, name: str, signing_key: bytes) -> None:
        """Issue in this name; issuers that share a key still do not take each other's tokens."""
        self._name = name
        self._key = signing_key

    def issue(self, claims: Mapping[str, object]) -> str:
        """Sign the claims."""
        body = {"iss": self._name, "jti": secrets.token_hex(8), **claims}
        signed = f"{_encoded(_json(_HEADER))}.{_encoded(_json(body))}"
        return f"{signed}.{_encoded(self._signature(signed))}"

    def read(self, token: str) -> dict[str, object] | None:
        """Return the claims, or None for a token that is not ours."""
        signed, _, signature = token.rpartition(".")
        wanted = _encoded(self._signature(signed))
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            return None
        claims = _claims(signed.partition(".")[2])
        return claims if claims.get("iss") == self._name else None

    def _signature(self, signed: str) -> bytes:
        return hmac.digest(self._key, signed.encode(), hashlib.sha256)


def bearer(authorization: str | None) -> str | None:
    """Take the token out of an Authorization header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _claims(encoded: str) -> dict[str, object]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
