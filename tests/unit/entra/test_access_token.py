import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from shared.entra import access_token
from shared.entra.access_token import AccessToken, TokenRules
from shared.errors import UnauthorizedError
from shared.session.caller import Caller
from tests.support.entra_tokens import (
    APP_ID,
    AUDIENCE,
    AUTHORITY,
    OBJECT_ID,
    TENANT,
    a_token,
    as_jwk,
    claims,
    key_set,
    private_key,
    sign,
)

KEYS = access_token.parse_keys(key_set("key-1"))
RULES = TokenRules.of_tenant(TENANT, authority=AUTHORITY, audience=AUDIENCE)
V2 = f"{AUTHORITY}/{TENANT}/v2.0"
OTHER_TENANT = "99999999-9999-9999-9999-999999999999"


def verify(token: str) -> AccessToken:
    key = KEYS[access_token.read_key_id(token)]
    return access_token.verify(token, key, RULES)


def now() -> int:
    return int(time.time())


# Each is good or bad for as long as the test runs, however slow the machine.
@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="of version 1, of an application"),
        pytest.param({"iss": V2, "appid": None, "azp": APP_ID, "ver": "2.0"}, id="of version 2"),
        pytest.param({"scp": "user_impersonation", "name": "Ada"}, id="of an app for a person"),
        pytest.param({"nbf": now() + 59}, id="of a clock 59 s ahead"),
        pytest.param({"exp": now() + 1}, id="expired a moment ago"),
    ],
)
def test_a_good_token_says_who_calls_and_in_which_roles(said: dict[str, object]) -> None:
    found = verify(a_token(**said))

    assert found.caller == Caller(app_id=APP_ID, object_id=OBJECT_ID)
    assert found.roles == {"Liveness.Server"}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"exp": now() - 61}, id="expired"),
        pytest.param({"nbf": now() + 600}, id="not yet valid"),
        pytest.param({"iss": f"https://sts.windows.net/{OTHER_TENANT}/"}, id="another tenant"),
        pytest.param({"iss": f"{AUTHORITY}/{OTHER_TENANT}/v2.0"}, id="another tenant, version 2"),
        pytest.param({"iss": f"{AUTHORITY}/{TENANT}"}, id="an issuer cut short"),
        pytest.param({"iss": [V2]}, id="a list of issuers"),
        pytest.param({"aud": "api://another"}, id="another audience"),
        pytest.param({"aud": f"{AUDIENCE}/"}, id="nearly the audience"),
        pytest.param({"aud": [AUDIENCE, "api://another"]}, id="more than one audience"),
        pytest.param({"appid": None}, id="an id token"),
        pytest.param({"appid": None, "azp": 7}, id="an app that is none"),
        pytest.param({"appid": ""}, id="an app without a name"),
        pytest.param({"oid": None}, id="nobody"),
        pytest.param({"oid": ""}, id="an empty name"),
        *(pytest.param({name: None}, id=f"no {name}") for name in ("iss", "aud", "exp", "nbf")),
    ],
)
def test_a_token_that_is_not_good_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(UnauthorizedError):
        verify(a_token(**said))


def a_token_by_hand(header: dict[str, object], signature: bytes = b"") -> tuple[str, bytes]:
    parts = (json.dumps(part).encode() for part in (header, claims()))
    signed = b".".join(map(base64url_encode, parts))
    return f"{signed.decode()}.{base64url_encode(signature).decode()}", signed


PUBLIC_PEM = (
    private_key("key-1")
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize("algorithm", ["none", "None", "", None, "HS256", "RS512", "PS256"])
def test_a_token_in_another_algorithm_is_refused_before_any_key_is_looked_for(
    algorithm: str | None,
) -> None:
    token, _ = a_token_by_hand({"alg": algorithm, "typ": "JWT", "kid": "key-1"})

    with pytest.raises(UnauthorizedError):
        access_token.read_key_id(token)


@pytest.mark.parametrize("secret", [PUBLIC_PEM, json.dumps(as_jwk("key-1")).encode()])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(secret: bytes) -> None:
    _, signed = a_token_by_hand({"alg": "HS256", "typ": "JWT", "kid": "key-1"})
    signature = hmac.new(secret, signed, hashlib.sha256).digest()
    token = f"{signed.decode()}.{base64url_encode(signature).decode()}"

    with pytest.raises(UnauthorizedError):
        access_token.verify(token, KEYS["key-1"], RULES)


def test_a_token_of_another_key_by_this_keys_name_is_refused() -> None:
    forged = jwt.encode(claims(), private_key("key-2"), "RS256", headers={"kid": "key-1"})

    with pytest.raises(UnauthorizedError):
        verify(forged)


def test_a_token_that_was_changed_is_refused() -> None:
    header, _, signature = a_token().split(".")
    more = json.dumps(claims(roles=["Liveness.Operator"])).encode()

    with pytest.raises(UnauthorizedError):
        verify(f"{header}.{base64url_encode(more).decode()}.{signature}")


@pytest.mark.parametrize("key_id", [None, "key-2"])
def test_a_token_says_the_key_it_wants_or_is_refused(key_id: str | None) -> None:
    header = {} if key_id is None else {"kid": key_id}
    token = jwt.encode(claims(), private_key("key-1"), "RS256", headers=header)

    if key_id:
        assert access_token.read_key_id(token) == key_id
    else:
        with pytest.raises(UnauthorizedError):
            access_token.read_key_id(token)


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        (None, set()),
        ([], set()),
        ("Liveness.Server", set()),
        ({"Liveness.Server": 1}, set()),
        ([["Liveness.Server"], 7, "Liveness.Operator"], {"Liveness.Operator"}),
        (["Liveness.Server", "Liveness.Operator"], {"Liveness.Server", "Liveness.Operator"}),
    ],
)
def test_only_a_list_of_texts_names_roles(roles: object, found: set[str]) -> None:
    assert verify(a_token(roles=roles)).roles == found


@given(token=st.text() | st.lists(st.text("aAeyJ_-=09"), min_size=2, max_size=4).map(".".join))
@example(token="session-token")
@example(token="a.b.c")
@example(token="\ud800.x.y")
@settings(max_examples=300, deadline=None)
def test_any_text_is_refused_and_nothing_worse(token: str) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        access_token.read_key_id(token)

    assert len(token) < 8 or token not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda some: (
        st.lists(some, max_size=2) | st.dictionaries(st.text(max_size=3), some, max_size=2)
    ),
    max_leaves=4,
)
NAMES = st.sampled_from([*claims(), "azp", "jti", "crit"])


@given(said=st.dictionaries(NAMES, JSON, max_size=4))
@example(said={"appid": ""})
@example(said={"exp": float("inf")})
@settings(max_examples=300, deadline=None)
def test_whatever_a_signed_token_says_it_is_good_or_refused(said: dict[str, Any]) -> None:
    try:
        found = verify(sign({**claims(), **said}))
    except UnauthorizedError:
        return

    assert not {"iss", "aud"} & said.keys()
    assert found.caller.app_id
    assert found.caller.object_id


def test_keys_that_do_not_sign_are_left_out() -> None:
    others = [
        {**as_jwk("key-2"), "use": "enc"},
        {**as_jwk("key-3"), "alg": "RS512"},
        {"kty": "oct", "k": "eA", "kid": "key-4"},
        {**as_jwk("key-5"), "kid": None},
        {"kty": "RSA", "kid": "key-6"},
        "none at all",
    ]
    body = json.dumps({"keys": [*others, as_jwk("key-1"), {**as_jwk("key-7"), "use": None}]})

    assert sorted(access_token.parse_keys(body.encode())) == ["key-1", "key-7"]


@given(body=st.binary() | JSON.map(json.dumps).map(str.encode))
@example(body=b"")
@example(body=b"<html>")
@example(body=b'{"keys": []}')
@example(body=b'{"keys": [{"kty": "oct", "k": "eA", "kid": "k"}]}')
@example(body=b'{"keys": [{"kty": ["RSA"], "kid": "k"}]}')
@example(body=b'{"keys": [{"kty": "RSA", "alg": ["RS256"], "kid": "k"}]}')
@example(body=b'{"keys": {"kty": "RSA"}}')
@example(body=b"[" * 100_000)
@settings(max_examples=200, deadline=None)
def test_a_body_without_keys_is_a_value_error_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(ValueError, match="no "):
        access_token.parse_keys(body)
