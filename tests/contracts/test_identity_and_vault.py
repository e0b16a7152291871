"""Microsoft's own clients, unmodified, take our identity endpoint and our vault for real."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

from local.azure.access_tokens import TokenIssuer
from local.azure.app_registration import AppRegistration
from local.azure.certificate import TRUSTED, trust_in_this_process
from local.azure.identity import HEADER
from local.azure.vault_secret import DEFAULT_NAMES, SecretNames, VaultSecret
from local.clock import real_now
from local.ports import HOST
from shared.entra import access_token
from shared.entra.access_token import TokenRules
from shared.session.caller import Caller
from tests.support.environment import identity_at
from tests.support.face_calls import FaceCalls

SECRET_NAME = DEFAULT_NAMES.face_key

AS_THE_APP_DOES = f"""
import asyncio, os
from azure.identity.aio import DefaultAzureCredential
from azure.keyvault.secrets.aio import SecretClient

async def main():
    async with DefaultAzureCredential() as identity:
        async with SecretClient(os.environ["KEY_VAULT_URL"], identity) as vault:
            print((await vault.get_secret("{SECRET_NAME}")).value)

asyncio.run(main())
"""


@pytest.fixture
async def vault(face: FaceCalls, tmp_path: Path) -> AsyncIterator[SecretClient]:
    trust_in_this_process(tmp_path / TRUSTED)
    url = f"https://{HOST}:{face.ports.vault}"
    async with (
        identity_at(face.ports),
        ManagedIdentityCredential() as identity,
        SecretClient(url, identity, retry_total=0) as client,
    ):
        yield client


async def test_a_process_with_nothing_but_settings_reads_the_key(
    face: FaceCalls, tmp_path: Path
) -> None:
    settings = {
        "IDENTITY_ENDPOINT": f"http://{HOST}:{face.ports.identity}/msi/token",
        "IDENTITY_HEADER": HEADER,
        "KEY_VAULT_URL": f"https://{HOST}:{face.ports.vault}",
        "SSL_CERT_FILE": str(tmp_path / TRUSTED),
    }
    app = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AS_THE_APP_DOES),
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
    )

    output, _ = await app.communicate()

    assert output.decode().strip() == "local-face-key"


async def test_rotated_key_is_the_newest_version_beside_the_old(
    face: FaceCalls, vault: SecretClient
) -> None:
    old = await vault.get_secret(SECRET_NAME)
    await face.control("key", key="a-new-key")

    new = await vault.get_secret(SECRET_NAME)
    again = await vault.get_secret(SECRET_NAME, old.properties.version)

    assert (new.value, again.value) == ("a-new-key", old.value)
    assert new.properties.version != old.properties.version


async def test_the_apps_own_secret_is_drawn_once_and_outlives_the_stack(
    face: FaceCalls, vault: SecretClient, tmp_path: Path
) -> None:
    first = (await vault.get_secret(DEFAULT_NAMES.app)).value or ""
    await face.control("key", key="a-new-key")

    kept = VaultSecret(DEFAULT_NAMES.app, tmp_path / "app-secret.json", real_now)

    assert kept.current.value == first
    assert len(first) == 108
    assert VaultSecret("another", tmp_path / "another.json", real_now).current.value != first


def test_the_secrets_are_called_as_the_settings_call_them() -> None:
    named = {"FACE_KEY_SECRET_NAME": "my-key", "APP_SECRET_NAME": "my-secret"}

    assert SecretNames.of_settings(named) == SecretNames(face_key="my-key", app="my-secret")
    assert SecretNames.of_settings({"APP_SECRET_NAME": ""}) == DEFAULT_NAMES


async def test_unknown_secret_is_not_found(vault: SecretClient) -> None:
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        await vault.get_secret("another-secret")


@pytest.mark.parametrize("operation", ["vault", "identity"])
@pytest.mark.parametrize("secret", [DEFAULT_NAMES.face_key, DEFAULT_NAMES.app])
async def test_faults_befall_both_secrets_of_the_vault_and_the_identity_too(
    face: FaceCalls, vault: SecretClient, secret: str, operation: str
) -> None:
    await face.control("faults", operation=operation, times=9, status=403)

    with pytest.raises(HttpResponseError):
        await vault.get_secret(secret)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("Basic eDp5", 401), ("Bearer eyJ.e30.x", 403)],
    ids=["no token", "no bearer", "a foreign token"],
)
async def test_vault_opens_to_its_own_tokens_only(
    face: FaceCalls, tmp_path: Path, authorization: str | None, status: int
) -> None:
    url = f"https://{HOST}:{face.ports.vault}/secrets/{SECRET_NAME}/?api-version=7.6"
    tls = ssl.create_default_context(cafile=str(tmp_path / TRUSTED))
    headers = {"Authorization": authorization} if authorization else {}

    async with face.http.get(url, headers=headers, ssl=tls) as answer:
        challenge = answer.headers.get("WWW-Authenticate", "")

    assert answer.status == status
    assert (f'resource="https://0.0.1:{face.ports.vault}"' in challenge) is (status == 401)


async def identity_answer(
    face: FaceCalls, header: str, query: dict[str, str]
) -> tuple[int, dict[str, object]]:
    url = f"http://{HOST}:{face.ports.identity}/msi/token"
    headers = {"X-IDENTITY-HEADER": header}
    async with face.http.get(url, params=query, headers=headers) as answer:
        return answer.status, await answer.json()


GOOD_QUERY = {"resource": "https://vault.azure.net", "api-version": "2019-08-01"}


async def test_identity_answers_as_app_service_does(face: FaceCalls) -> None:
    status, token = await identity_answer(face, HEADER, {**GOOD_QUERY, "client_id": "mine"})

    assert (status, token["token_type"], token["client_id"]) == (200, "Bearer", "mine")
    assert token["resource"] == "https://vault.azure.net"
    assert str(token["expires_on"]).isdecimal()
    assert isinstance(token["expires_on"], str)


async def test_token_is_checked_by_the_published_key_and_only_that_one_as_with_entra(
    face: FaceCalls, tmp_path: Path
) -> None:
    _, issued = await identity_answer(face, HEADER, GOOD_QUERY)
    token = str(issued["access_token"])
    url = f"http://{HOST}:{face.ports.identity}/any-tenant/discovery/v2.0/keys"
    keys = jwt.PyJWKClient(url)

    key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="https://vault.azure.net")
    foreign = TokenIssuer(tmp_path / "another-key").issue(claims)

    assert claims["exp"] == int(str(issued["expires_on"]))
    with pytest.raises(jwt.PyJWKClientError):
        await asyncio.to_thread(keys.get_signing_key_from_jwt, foreign)


async def token_for_the_app(face: FaceCalls) -> str:
    query = {**GOOD_QUERY, "resource": "api://face-liveness", "client_id": "a-server"}
    _, issued = await identity_answer(face, HEADER, query)
    return str(issued["access_token"])


async def test_token_for_the_app_is_what_the_app_takes_and_has_the_roles_it_is_told_to_have(
    face: FaceCalls, tmp_path: Path
) -> None:
    tenant, v1 = AppRegistration().tenant_id, AppRegistration().claims("a-server")
    keys_url = f"https://{HOST}:{face.ports.vault}/{tenant}/discovery/v2.0/keys"
    tls = ssl.create_default_context(cafile=str(tmp_path / TRUSTED))
    rules = TokenRules.of_tenant(tenant, authority="https://x", audience="api://face-liveness")
    async with face.http.get(keys_url, ssl=tls) as answer:
        keys = access_token.parse_keys(await answer.read())

    token = await token_for_the_app(face)
    found = access_token.verify(token, keys[access_token.read_key_id(token)], rules)
    await face.control("roles", roles=["Liveness.Operator"])
    later = jwt.decode(await token_for_the_app(face), options={"verify_signature": False})

    assert found.caller == Caller(app_id="a-server", object_id=str(v1["oid"]))
    assert found.roles == {"Liveness.Server", "Liveness.Operator"}
    assert later["roles"] == ["Liveness.Operator"]


async def test_rotated_signing_key_is_published_beside_the_old_and_signs_from_then_on(
    face: FaceCalls,
) -> None:
    url = f"http://{HOST}:{face.ports.identity}/any-tenant/discovery/v2.0/keys"
    before = await token_for_the_app(face)
    assert (await face.control("signing-key")).status == 204
    after = await token_for_the_app(face)
    async with face.http.get(url) as answer:
        published = [key["kid"] for key in (await answer.json())["keys"]]

    assert published == [jwt.get_unverified_header(one)["kid"] for one in (before, after)]
    assert len(set(published)) == 2


@pytest.mark.parametrize(
    ("header", "missing", "status"),
    [("wrong", "", 401), (HEADER, "resource", 400), (HEADER, "api-version", 400)],
)
async def test_identity_refuses_what_app_service_refuses(
    face: FaceCalls, header: str, missing: str, status: int
) -> None:
    query = {name: value for name, value in GOOD_QUERY.items() if name != missing}

    answer = await identity_answer(face, header, query)

    assert answer[0] == status
    assert answer[1]["statusCode"] == status
