"""What an access token must be and what it says; PyJWT checks it, with keys that others have got.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from shared.errors import UnauthorizedError
from shared.session.caller import Caller

_ALGORITHM = "RS256"
_MAX_CLOCK_SKEW_SECONDS = 60
_REQUIRED = ["iss", "aud", "exp", "nbf"]

type SigningKey = jwt.PyJWK


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token that was found good says."""

    caller: Caller
    roles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Who must have issued a token, and for whom."""

    issuers: frozenset[str]
    audience: str

    @classmethod
    def of_tenant(cls, tenant_id: str, *, authority: str, audience: str) -> "TokenRules":
        """Take tokens of one tenant, in either version: the audience's own choice."""
        v1, v2 = f"https://sts.windows.net/{tenant_id}/", f"{authority}/{tenant_id}/v2.0"
        return cls(issuers=frozenset({v1, v2}), audience=audience)


def parse_keys(body: bytes) -> Mapping[str, SigningKey]:
    """Read the keys of a JSON Web Key Set by their ids; ValueError where there is none to use."""
    try:
        keys = jwt.PyJWKSet(json.loads(body)["keys"])
    except (ValueError, LookupError, TypeError, RecursionError, jwt.PyJWTError) as error:
        raise ValueError("no set of keys") from error
    found = {key.key_id: key for key in keys if key.key_id and _can_sign(key)}
    if not found:
        raise ValueError("no key that signs")
    return found


def read_key_id(token: str) -> str:
    """Say which key a token wants to be checked with; it is not to be believed before."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, UnicodeError) as error:
        raise _refusal(error) from error
    key_id = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(key_id, str):
        raise UnauthorizedError(f"the token is not signed by {_ALGORITHM} with a key of a name")
    return key_id


def verify(token: str, key: SigningKey, rules: TokenRules) -> AccessToken:
    """Check signature, issuer, audience and time, and read who calls."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=rules.issuers,
            audience=rules.audience,
            leeway=_MAX_CLOCK_SKEW_SECONDS,
            options={"require": _REQUIRED, "strict_aud": True},
        )
    except jwt.PyJWTError as error:
        raise _refusal(error) from error
    return AccessToken(caller=_caller(claims), roles=_roles(claims))


def _caller(claims: Mapping[str, Any]) -> Caller:
    # The application is in access tokens only: one for signing in (an id token) may have the same
    # issuer, audience and roles.
    # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    return Caller(app_id=_name(claims, "azp", "appid"), object_id=_name(claims, "oid"))


def _name(claims: Mapping[str, Any], *claim_names: str) -> str:
    for value in map(claims.get, claim_names):
        if value and isinstance(value, str):
            return value
    raise UnauthorizedError(f"the token is no access token: it has no {claim_names[-1]}")


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    roles = claims.get("roles")
    return frozenset(filter(_is_text, roles)) if isinstance(roles, list) else frozenset()


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _can_sign(key: SigningKey) -> bool:
    return key.algorithm_name == _ALGORITHM and key.public_key_use in {"sig", None}


def _refusal(error: Exception) -> UnauthorizedError:
    # PyJWT's own words may quote the token.
    return UnauthorizedError(f"the token is not good: {type(error).__name__}")
