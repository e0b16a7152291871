import asyncio
from datetime import timedelta

import pytest

from shared.errors import FaceRefusedError, KeyUnavailableError
from shared.face.face_key import KeyVaultCredential, parse_key
from shared.secret import Secret
from tests.support.fake_vault import FACE_KEY, FakeVault
from tests.support.fakes import Clock

OLD, NEW = Secret("key-1"), Secret("key-2")


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(vault: FakeVault, clock: Clock) -> KeyVaultCredential:
    secret = vault.opened(clock).secret(FACE_KEY, parse_key)
    return KeyVaultCredential(secret, max_age=timedelta(minutes=10), now=clock)


async def let_the_background_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def rotate(vault: FakeVault) -> None:
    vault.secrets[FACE_KEY] = NEW.reveal()


async def test_a_key_is_fetched_once_and_kept(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    first = await keys.get()
    clock.advance(timedelta(minutes=10, microseconds=-1))
    second = await keys.get()

    assert (first, second, vault.asked) == (OLD, OLD, [FACE_KEY])


async def test_a_key_that_has_aged_serves_while_the_vault_is_asked_in_the_background(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    rotate(vault)
    clock.advance(timedelta(minutes=10))
    vault.slow = asyncio.Event()

    assert [await keys.get() for _ in range(3)] == [OLD, OLD, OLD]
    await let_the_background_run()
    assert len(vault.asked) == 2

    vault.slow.set()
    await let_the_background_run()
    assert (await keys.get(), len(vault.asked)) == (NEW, 2)


async def test_a_key_counts_its_age_from_when_it_was_asked_for(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    vault.slow = asyncio.Event()
    waiting = asyncio.create_task(keys.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(timedelta(minutes=10))
    vault.slow.set()
    await waiting

    await keys.get()
    await let_the_background_run()

    assert len(vault.asked) == 2


async def test_a_key_that_face_takes_serves_through_a_night_of_the_vault(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    vault.troubles.extend([TimeoutError()] * 10_000)
    for _ in range(12 * 60):
        clock.advance(timedelta(minutes=1))
        for _ in range(3):
            assert await keys.get() == OLD
            await let_the_background_run()

    # One question a minute, however many use the key meanwhile.
    asked = len(vault.asked) - 1
    assert asked == 12 * 60 - 9

    vault.troubles.clear()
    rotate(vault)
    clock.advance(timedelta(seconds=30))
    await keys.get()
    await let_the_background_run()
    assert await keys.get() == NEW


async def test_a_vault_that_failed_in_the_background_is_left_alone_for_half_a_minute(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    clock.advance(timedelta(minutes=10))
    vault.troubles.append(TimeoutError())
    for seconds in (0, 29, 1, 0):
        clock.advance(timedelta(seconds=seconds))
        await keys.get()
        await let_the_background_run()

    assert len(vault.asked) == 3


async def test_fifty_refusals_of_one_key_cause_one_request(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    await keys.get()
    rotate(vault)
    answers = await asyncio.gather(*(keys.refresh(OLD) for _ in range(50)))

    assert (set(answers), len(vault.asked)) == ({NEW}, 2)
    assert await keys.get() == NEW


async def test_a_key_refused_late_is_not_fetched_again(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    await keys.get()

    assert await keys.refresh(Secret("an older key")) == OLD
    assert len(vault.asked) == 1


async def test_a_refusal_before_any_fetch_fetches(keys: KeyVaultCredential) -> None:
    assert await keys.refresh(Secret("unheard of")) == OLD


@pytest.mark.parametrize("is_away", [False, True], ids=["nothing-newer", "away"])
async def test_while_the_vault_has_no_newer_key_nobody_is_asked_for_half_a_minute(
    is_away: bool,  # noqa: FBT001 - a case of the table
    keys: KeyVaultCredential,
    vault: FakeVault,
    clock: Clock,
) -> None:
    await keys.get()
    vault.troubles.extend([TimeoutError()] * is_away)

    assert await asyncio.gather(*(keys.refresh(OLD) for _ in range(50))) == [None] * 50
    assert await keys.refresh(OLD) is None
    clock.advance(timedelta(seconds=29.5))
    with pytest.raises(FaceRefusedError, match=r"^Face said 401, and") as caught:
        await keys.get()

    assert len(vault.asked) == 2
    refusal = caught.value
    assert (refusal.face_status, refusal.is_breaker_open) == (401, True)
    assert refusal.retry_after_seconds == 1


async def test_after_half_a_minute_key_and_vault_are_tried_again(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    await keys.refresh(OLD)
    rotate(vault)
    clock.advance(timedelta(seconds=30))

    assert await keys.get() == OLD
    assert await keys.refresh(OLD) == NEW
    assert await keys.get() == NEW


async def test_a_refusal_ends_with_a_newer_key(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    await keys.refresh(OLD)
    rotate(vault)
    clock.advance(timedelta(seconds=1))
    await keys._secret.fetch()

    assert await keys.get() == NEW


@pytest.mark.parametrize("value", ["key-1\n", "\r\n key-1 \t"], ids=["a-line-break", "blanks"])
async def test_a_key_pasted_with_blanks_around_it_works(
    value: str, keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.secrets[FACE_KEY] = value

    assert await keys.get() == OLD


@pytest.mark.parametrize(
    "value",
    [None, "", " \n", "key\r\nX-Header: 1", "schl\u00fcssel", "key\x00", "k" * 1025],
    ids=["none", "empty", "blank", "two-lines", "not-ascii", "null-character", "endless"],
)
async def test_a_secret_that_no_header_can_carry_is_no_key(
    value: str | None, keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.secrets[FACE_KEY] = value

    with pytest.raises(KeyUnavailableError) as caught:
        await keys.get()

    assert str(caught.value) == "the vault's secret is not a key"
