"""The identity endpoint's tokens: JWTs, signed as Entra signs its own, with a key of this stack."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local import json_file

_ALGORITHM = "RS256"


class TokenIssuer:
    """Signs claims, reads back only what it signed itself, and publishes its key."""

    def __init__(self, path: Path) -> None:
        """Keep the key in this file, so that tokens outlive a restart; it is made on first use."""
        self._path = path

    def issue(self, claims: Mapping[str, object]) -> str:
        """Sign the claims."""
        headers = {"kid": str(self.public_key["kid"])}
        return jwt.encode(dict(claims), self._key, _ALGORITHM, headers=headers)

    def read(self, token: str) -> dict[str, object] | None:
        """Return the claims, or None for a token that is not ours; the rest is the reader's."""
        options: jwt.types.Options = {"verify_aud": False, "verify_exp": False}
        try:
            return jwt.decode(
                token, self._key.public_key(), algorithms=[_ALGORITHM], options=options
            )
        except jwt.InvalidTokenError:
            return None

    @cached_property
    def public_key(self) -> dict[str, object]:
        """The key that our tokens are checked with, as a JWK."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        kid = hashlib.sha256(str(key["n"]).encode()).hexdigest()[:32]
        return {"kty": key["kty"], "use": "sig", "kid": kid, "n": key["n"], "e": key["e"]}

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        if not self._path.exists():
            json_file.write_bytes(self._path, _new_key())
        key = serialization.load_pem_private_key(self._path.read_bytes(), password=None)
        return cast("rsa.RSAPrivateKey", key)


def bearer(authorization: str | None) -> str | None:
    """Take the token out of an Authorization header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
