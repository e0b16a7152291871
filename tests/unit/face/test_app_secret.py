import asyncio
from datetime import timedelta

import pytest

from shared.errors import FaceRefusedError, KeyUnavailableError
from shared.face.app_secret import VaultAppSecret, parse_app_secret
from shared.secret import Secret
from tests.support.fake_vault import APP_SECRET, FakeVault
from tests.support.fakes import Clock


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app_secret(vault: FakeVault, clock: Clock) -> VaultAppSecret:
    secret = vault.opened(clock).secret(APP_SECRET, parse_app_secret)
    return VaultAppSecret(secret, beside=[], now=clock)


async def test_a_vault_that_is_away_is_asked_by_the_next_who_comes(
    app_secret: VaultAppSecret, vault: FakeVault
) -> None:
    vault.troubles.append(TimeoutError())
    with pytest.raises(KeyUnavailableError, match="TimeoutError"):
        await app_secret.get()

    assert await app_secret.get() == Secret("s" * 32)


@pytest.mark.parametrize("value", [None, "s" * 31], ids=["absent", "too-short"])
async def test_a_vault_without_the_secret_is_asked_once_in_half_a_minute(
    value: str | None, app_secret: VaultAppSecret, vault: FakeVault, clock: Clock
) -> None:
    vault.secrets[APP_SECRET] = value
    if value is None:
        del vault.secrets[APP_SECRET]
    waits = list[int | None]()
    for _ in range(100):
        with pytest.raises(KeyUnavailableError) as caught:
            await app_secret.get()
        waits.append(caught.value.retry_after_seconds)
        clock.advance(timedelta(seconds=0.29))

    assert (len(vault.asked), waits[0], waits[1], waits[-1]) == (1, 30, 30, 2)


async def test_a_secret_that_comes_is_fetched_after_half_a_minute_and_then_no_more(
    app_secret: VaultAppSecret, vault: FakeVault, clock: Clock
) -> None:
    del vault.secrets[APP_SECRET]
    with pytest.raises(KeyUnavailableError, match="the vault gave no app-secret"):
        await app_secret.get()

    vault.secrets[APP_SECRET] = "s" * 32
    clock.advance(timedelta(seconds=30))
    answers = [await app_secret.get() for _ in range(3)]

    assert (answers, len(vault.asked)) == ([Secret("s" * 32)] * 3, 2)


@pytest.mark.parametrize("value", ["s" * 32, " \N{SNOWMAN}" * 16, "s" * 108])
async def test_every_character_of_a_secret_counts(
    value: str, app_secret: VaultAppSecret, vault: FakeVault
) -> None:
    vault.secrets[APP_SECRET] = value

    assert await app_secret.get() == Secret(value)


@pytest.mark.parametrize("value", [None, "", "s" * 31, "\N{SNOWMAN}" * 31])
async def test_a_secret_that_is_too_short_is_none(
    value: str | None, app_secret: VaultAppSecret, vault: FakeVault
) -> None:
    vault.secrets[APP_SECRET] = value

    with pytest.raises(KeyUnavailableError) as caught:
        await app_secret.get()

    assert str(caught.value) == "the app's secret has fewer than 32 characters"


async def test_what_the_first_create_needs_is_fetched_side_by_side() -> None:
    all_asked = asyncio.Barrier(3)
    calls: list[str] = []

    async def fetch(name: str) -> None:
        calls.append(name)
        await all_asked.wait()

    class SlowVault(FakeVault):
        async def get_secret(self, name: str) -> object:  # type: ignore[override]
            await fetch(name)
            return await FakeVault.get_secret(self, name)

    secret = SlowVault().opened(Clock()).secret(APP_SECRET, parse_app_secret)
    beside = [lambda: fetch("key"), lambda: fetch("token")]
    app_secret = VaultAppSecret(secret, beside=beside, now=Clock())

    answers = await asyncio.gather(*(app_secret.get() for _ in range(50)))
    await app_secret.get()

    assert set(answers) == {Secret("s" * 32)}
    assert sorted(calls) == [APP_SECRET, "key", "token"]


async def test_what_fails_beside_it_is_the_trouble_of_whoever_needs_it(vault: FakeVault) -> None:
    async def fail() -> None:
        raise FaceRefusedError("Face said 401")

    secret = vault.opened(Clock()).secret(APP_SECRET, parse_app_secret)

    assert await VaultAppSecret(secret, beside=[fail], now=Clock()).get() == Secret("s" * 32)
