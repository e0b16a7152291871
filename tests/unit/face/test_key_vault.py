import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.keyvault.secrets import KeyVaultSecret, SecretProperties

from shared.errors import KeyUnavailableError
from shared.face.key_vault import KeyVaultCredential
from shared.secret import Secret
from tests.support.fakes import Clock

if TYPE_CHECKING:
    from azure.keyvault.secrets.aio import SecretClient


@dataclass
class FakeVault:
    """A vault that holds one secret, or what a test has laid in wait."""

    value: str | None = "key-1"
    troubles: deque[Exception] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    slow: asyncio.Event | None = None
    closed: bool = False

    async def get_secret(self, name: str) -> KeyVaultSecret:
        self.asked.append(name)
        if self.slow is not None:
            await self.slow.wait()
        if self.troubles:
            raise self.troubles.popleft()
        return KeyVaultSecret(SecretProperties(), self.value)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys_from(vault: FakeVault, clock: Clock, *, timeout_seconds: float = 60) -> KeyVaultCredential:
    return KeyVaultCredential(
        cast("SecretClient", vault),
        name="face-api-key",
        max_age=timedelta(minutes=10),
        timeout_seconds=timeout_seconds,
        now=clock,
    )


@pytest.fixture
def keys(vault: FakeVault, clock: Clock) -> KeyVaultCredential:
    return keys_from(vault, clock)


async def test_a_key_is_fetched_once_and_kept(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    first = await keys.get()
    clock.advance(timedelta(minutes=10, microseconds=-1))
    second = await keys.get()

    assert (first, second, vault.asked) == (Secret("key-1"), Secret("key-1"), ["face-api-key"])


async def test_a_key_that_has_aged_is_fetched_again(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    await keys.get()
    vault.value = "key-2"
    clock.advance(timedelta(minutes=10))

    assert await keys.get() == Secret("key-2")
    assert await keys.get() == Secret("key-2")
    assert len(vault.asked) == 2


async def test_a_key_counts_its_age_from_when_it_was_asked_for(
    keys: KeyVaultCredential, vault: FakeVault, clock: Clock
) -> None:
    vault.slow = asyncio.Event()
    waiting = asyncio.create_task(keys.get())
    await asyncio.sleep(0)
    clock.advance(timedelta(minutes=10))
    vault.slow.set()
    await waiting

    await keys.get()

    assert len(vault.asked) == 2


async def test_fifty_who_wait_are_served_by_one_fetch(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.slow = asyncio.Event()
    waiting = [asyncio.create_task(keys.get()) for _ in range(50)]
    await asyncio.sleep(0)
    vault.slow.set()

    assert set(await asyncio.gather(*waiting)) == {Secret("key-1")}
    assert len(vault.asked) == 1


async def test_fifty_refusals_of_one_key_cause_one_fetch(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    old = await keys.get()
    vault.value = "key-2"
    answers = await asyncio.gather(*(keys.refresh(old) for _ in range(50)))

    assert set(answers) == {Secret("key-2")}
    assert len(vault.asked) == 2


async def test_fifty_who_wait_for_a_silent_vault_share_one_time_out(clock: Clock) -> None:
    vault = FakeVault(slow=asyncio.Event())
    keys = keys_from(vault, clock, timeout_seconds=0.01)
    answers = await asyncio.gather(*(keys.get() for _ in range(50)), return_exceptions=True)

    assert {str(answer) for answer in answers} == {"the vault gave no key: TimeoutError"}
    assert len(vault.asked) == 1


async def test_one_who_gives_up_takes_nothing_from_the_others(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.slow = asyncio.Event()
    impatient, patient = (asyncio.create_task(keys.get()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    vault.slow.set()

    assert await patient == Secret("key-1")
    assert impatient.cancelled()
    assert len(vault.asked) == 1


async def test_a_fetch_that_was_called_off_leaves_room_for_the_next(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.slow = asyncio.Event()
    waiting = asyncio.create_task(keys.get())
    await asyncio.sleep(0)
    assert keys._fetching is not None
    keys._fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    vault.slow.set()

    assert await keys.get() == Secret("key-1")


async def test_a_refused_key_is_fetched_again_though_it_is_young(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    old = await keys.get()
    vault.value = "key-2"

    assert await keys.refresh(old) == Secret("key-2")
    assert await keys.get() == Secret("key-2")
    assert len(vault.asked) == 2


async def test_a_key_refused_late_is_not_fetched_again(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    await keys.get()

    assert await keys.refresh(Secret("an older key")) == Secret("key-1")
    assert len(vault.asked) == 1


async def test_a_refused_key_that_the_vault_still_holds_comes_again(
    keys: KeyVaultCredential, vault: FakeVault
) -> None:
    old = await keys.get()

    assert await keys.refresh(old) == old
    assert len(vault.asked) == 2


async def test_a_refusal_before_any_fetch_fetches(keys: KeyVaultCredential) -> None:
    assert await keys.refresh(Secret("unheard of")) == Secret("key-1")


@pytest.mark.parametrize(
    "trouble",
    [
        ServiceRequestError("no route"),
        HttpResponseError("throttled"),
        ResourceNotFoundError("no such secret"),
        ClientAuthenticationError("no identity"),
        TimeoutError(),
        ValueError("challenge from elsewhere"),
        ConnectionResetError(),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_a_vault_that_fails_is_named_and_asked_again_next_time(
    trouble: Exception, keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.troubles.append(trouble)

    with pytest.raises(KeyUnavailableError, match=type(trouble).__name__):
        await keys.get()
    assert await keys.get() == Secret("key-1")


@pytest.mark.parametrize("value", ["key-1\n", "\r\n key-1 \t"], ids=["a-line-break", "blanks"])
async def test_a_key_pasted_with_blanks_around_it_works(
    value: str, keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.value = value

    assert await keys.get() == Secret("key-1")


@pytest.mark.parametrize(
    "value",
    [None, "", " \n", "key\r\nX-Header: 1", "schlüssel", "key\x00"],
    ids=["none", "empty", "blank", "two-lines", "not-ascii", "null-character"],
)
async def test_a_secret_that_no_header_can_carry_is_no_key(
    value: str | None, keys: KeyVaultCredential, vault: FakeVault
) -> None:
    vault.value = value

    with pytest.raises(KeyUnavailableError) as caught:
        await keys.get()

    assert str(caught.value) == "the vault's secret is not a key"


async def test_a_key_is_never_printed(
    keys: KeyVaultCredential, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await keys.get()

    kept = {name: value for name, value in vars(keys).items() if name != "_client"}
    assert "key-1" not in f"{kept!r}{caplog.text}"


async def test_closing_closes_the_client(keys: KeyVaultCredential, vault: FakeVault) -> None:
    await keys.close()

    assert vault.closed
