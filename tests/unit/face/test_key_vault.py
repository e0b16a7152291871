import asyncio
import logging

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ODataV4Format,
    ResourceNotFoundError,
    ServiceRequestError,
)

from shared.errors import KeyUnavailableError
from shared.face.key_vault import KeyVault, VaultSecret
from shared.secret import Secret
from tests.support.fake_vault import FACE_KEY, FakeVault
from tests.support.fakes import Clock


@pytest.fixture
def fake() -> FakeVault:
    return FakeVault()


@pytest.fixture
def vault(fake: FakeVault) -> KeyVault:
    return fake.opened(Clock())


@pytest.fixture
def secret(vault: KeyVault) -> VaultSecret:
    return vault.secret(FACE_KEY, Secret)


def forbidden(inner: str) -> HttpResponseError:
    error = HttpResponseError("planted words")
    error.status_code = 403
    body = {"code": "Forbidden", "message": "planted words", "innererror": {"code": inner}}
    error.error = ODataV4Format({"error": body})
    return error


async def test_a_secret_that_was_fetched_is_known(secret: VaultSecret, fake: FakeVault) -> None:
    fetched = await secret.fetch()

    assert (fetched, secret.known, fake.asked) == (Secret("key-1"), fetched, [FACE_KEY])


async def test_fifty_who_wait_are_served_by_one_request(
    secret: VaultSecret, fake: FakeVault
) -> None:
    answers = await asyncio.gather(*(secret.fetch() for _ in range(50)))

    assert (set(answers), len(fake.asked)) == ({Secret("key-1")}, 1)


async def test_fifty_who_wait_for_a_silent_vault_share_one_time_out(
    fake: FakeVault, caplog: pytest.LogCaptureFixture
) -> None:
    fake.slow = asyncio.Event()
    secret = fake.opened(Clock(), timeout_seconds=0.01).secret(FACE_KEY, Secret)

    answers = await asyncio.gather(*(secret.fetch() for _ in range(50)), return_exceptions=True)

    told = "the vault gave no face-api-key: TimeoutError"
    assert ({str(answer) for answer in answers}, len(fake.asked)) == ({told}, 1)
    assert caplog.messages == [f'vault failed cause="{told}"']


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (ServiceRequestError("planted words"), "ServiceRequestError"),
        (HttpResponseError("planted words"), "HttpResponseError"),
        (ResourceNotFoundError("planted words"), "ResourceNotFoundError"),
        (ClientAuthenticationError("planted words"), "ClientAuthenticationError"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("planted words"), "ValueError"),
        (ConnectionResetError(), "ConnectionResetError"),
        (forbidden("SecretDisabled"), "HttpResponseError 403 Forbidden SecretDisabled"),
        (forbidden("ForbiddenByRbac"), "HttpResponseError 403 Forbidden ForbiddenByRbac"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_why_the_vault_gave_nothing_is_told_and_logged_by_status_and_codes(
    trouble: Exception,
    told: str,
    secret: VaultSecret,
    fake: FakeVault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake.troubles.append(trouble)

    with pytest.raises(KeyUnavailableError) as caught:
        await secret.fetch()

    assert str(caught.value) == f"the vault gave no face-api-key: {told}"
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.WARNING, f'vault failed cause="{caught.value}"')
    ]
    assert await secret.fetch() == Secret("key-1")


async def test_a_secret_that_is_none_is_not_known(vault: KeyVault, fake: FakeVault) -> None:
    def refuse(value: str) -> Secret:
        raise KeyUnavailableError(f"{len(value)} characters will not do")

    fake.secrets[FACE_KEY] = None
    secret = vault.secret(FACE_KEY, refuse)

    with pytest.raises(KeyUnavailableError, match="0 characters"):
        await secret.fetch()
    assert secret.known is None


async def test_a_secret_is_never_printed(
    secret: VaultSecret, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await secret.fetch()

    kept = {name: value for name, value in vars(secret).items() if name != "_vault"}
    assert "key-1" not in f"{kept!r}{caplog.text}"


async def test_closing_breaks_off_what_runs_in_the_background(
    vault: KeyVault, secret: VaultSecret, fake: FakeVault
) -> None:
    fake.slow = asyncio.Event()
    secret.start_fetch()
    await asyncio.sleep(0)

    await secret.close()
    await vault.close()
    await asyncio.sleep(0)

    assert ([each for each in asyncio.all_tasks() if "fetch" in repr(each)], fake.closed) == (
        [],
        True,
    )
