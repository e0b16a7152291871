"""Tokens as Entra signs them, and the page where it publishes its keys."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

TENANT = "11111111-1111-1111-1111-111111111111"
AUTHORITY = "https://login.microsoftonline.com"
AUDIENCE = "api://face-liveness"
APP_ID = "22222222-2222-2222-2222-222222222222"
OBJECT_ID = "33333333-3333-3333-3333-333333333333"


@cache
def private_key(key_id: str) -> rsa.RSAPrivateKey:
    """Make the key of this name, once."""
    del key_id
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def as_jwk(key_id: str) -> dict[str, object]:
    jwk = RSAAlgorithm.to_jwk(private_key(key_id).public_key(), as_dict=True)
    return {"kty": jwk["kty"], "use": "sig", "kid": key_id, "n": jwk["n"], "e": jwk["e"]}


def key_set(*key_ids: str) -> bytes:
    return json.dumps({"keys": [as_jwk(key_id) for key_id in key_ids]}).encode()


def claims(**said: object) -> dict[str, Any]:
    """Say what a managed identity's token of version 1 says; None leaves a claim out."""
    now = int(time.time())
    usual = {
        "aud": AUDIENCE,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "appid": APP_ID,
        "oid": OBJECT_ID,
        "sub": OBJECT_ID,
        "tid": TENANT,
        "roles": ["Liveness.Server"],
        "ver": "1.0",
    }
    return {name: value for name, value in {**usual, **said}.items() if value is not None}


def a_token(key_id: str = "key-1", /, **said: object) -> str:
    return sign(claims(**said), key_id)


def sign(payload: Mapping[str, Any], key_id: str = "key-1") -> str:
    """Sign whatever it is, also what no issuer would."""
    said = json.dumps(payload).encode()
    return jwt.PyJWS().encode(said, private_key(key_id), "RS256", headers={"kid": key_id})


@dataclass
class KeyPage:
    """Where keys are published: what it answers, and how often it was asked."""

    body: bytes = field(default_factory=lambda: key_set("key-1"))
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator["KeyPage"]:
        page = cls()
        runner = web.ServerRunner(web.Server(page._answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        page.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield page
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.paths.append(request.path)
        response = web.Response(status=self.status, body=self.body, headers=self.headers)
        response.force_close()
        return response
