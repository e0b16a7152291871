"""The identity endpoint's tokens: JWTs, signed as Entra signs its own, with keys of this stack."""

import hashlib
import re
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
_PEM = re.compile(rb"-----BEGIN .*?-----END [^\n]*\n", re.DOTALL)


class TokenIssuer:
    """Signs claims, reads back only what it signed itself, and publishes its keys."""

    def __init__(self, path: Path) -> None:
        """Keep keys in this file, so that tokens outlive a restart; the first is made on use."""
        self._path = path

    def issue(self, claims: Mapping[str, object]) -> str:
        """Sign the claims with the newest key."""
        key_id, key = list(self._keys.items())[-1]
        return jwt.encode(dict(claims), key, _ALGORITHM, headers={"kid": key_id})

    def read(self, token: str) -> dict[str, object] | None:
        """Return the claims, or None for a token that is not ours; the rest is the reader's."""
        options: jwt.types.Options = {"verify_aud": False, "verify_exp": False}
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            return jwt.decode(token, key.public_key(), algorithms=[_ALGORITHM], options=options)
        except (jwt.InvalidTokenError, KeyError):
            return None

    def rotate(self) -> None:
        """Sign with a new key from now on; what the old ones have signed is good as before."""
        pems = [_as_pem(key) for key in self._keys.values()]
        json_file.write_bytes(self._path, b"".join([*pems, _new_key()]))
        del self._keys

    @property
    def public_keys(self) -> list[dict[str, object]]:
        """The keys that our tokens are checked with, as JWKs."""
        return [{**_as_jwk(key), "kid": key_id} for key_id, key in self._keys.items()]

    @cached_property
    def _keys(self) -> dict[str, rsa.RSAPrivateKey]:
        # By their ids, the newest last.
        if not self._path.exists():
            json_file.write_bytes(self._path, _new_key())
        pems = _PEM.findall(self._path.read_bytes())
        keys = (serialization.load_pem_private_key(pem, password=None) for pem in pems)
        return {_id_of(key): key for key in map(_as_rsa, keys)}


def bearer(authorization: str | None) -> str | None:
    """Take the token out of an Authorization header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _as_rsa(key: object) -> rsa.RSAPrivateKey:
    return cast("rsa.RSAPrivateKey", key)


def _as_jwk(key: rsa.RSAPrivateKey) -> dict[str, object]:
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": jwk["kty"], "use": "sig", "n": jwk["n"], "e": jwk["e"]}


def _id_of(key: rsa.RSAPrivateKey) -> str:
    return hashlib.sha256(str(_as_jwk(key)["n"]).encode()).hexdigest()[:32]


def _new_key() -> bytes:
    return _as_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _as_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
