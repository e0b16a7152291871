import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.entra.access_token import TokenRules
from shared.entra.signing_keys import SigningKeys
from shared.entra.token_check import TokenCheck
from shared.errors import SigningKeysUnavailableError, UnauthorizedError
from shared.secret import Secret
from tests.support.entra_tokens import AUDIENCE, AUTHORITY, TENANT, KeyPage, a_token, key_set
from tests.support.fakes import Clock

DAY = timedelta(days=1)
MINUTES = timedelta(minutes=1)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
async def page() -> AsyncIterator[KeyPage]:
    async with KeyPage.serve() as page:
        yield page


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(page: KeyPage, clock: Clock) -> AsyncIterator[SigningKeys]:
    keys = SigningKeys.connect(page.url, TENANT, timeout_seconds=30, now=clock)
    yield keys
    await keys.close()


async def is_known(keys: SigningKeys, key_id: str) -> bool:
    return await keys.find(key_id) is not None


async def settle(keys: SigningKeys) -> None:
    """Let what goes on behind the callers' backs come to its end."""
    if keys._fetching._task:
        await keys._fetching._task


async def test_keys_are_fetched_once_however_many_wait_for_them(
    page: KeyPage, keys: SigningKeys
) -> None:
    found = await asyncio.gather(*(is_known(keys, "key-1") for _ in range(50)))
    for _ in range(50):
        found.append(await is_known(keys, "key-1"))

    assert all(found)
    assert page.paths == [f"/{TENANT}/discovery/v2.0/keys"]


async def test_ten_thousand_unknown_keys_make_one_fetch_in_five_minutes(
    page: KeyPage, keys: SigningKeys, clock: Clock
) -> None:
    await is_known(keys, "key-1")

    for name in range(5_000):
        assert not await is_known(keys, f"made-up-{name}")
        clock.advance(timedelta(milliseconds=59))
    at_once = [is_known(keys, f"made-up-{name}") for name in range(5_000)]
    assert not any(await asyncio.gather(*at_once))
    assert len(page.paths) == 2

    clock.advance(5 * MINUTES)
    assert not await is_known(keys, "made-up")
    assert len(page.paths) == 3


async def test_a_first_fetch_for_an_unknown_key_is_the_one_in_five_minutes(
    page: KeyPage, keys: SigningKeys, clock: Clock
) -> None:
    assert not await is_known(keys, "made-up")
    clock.advance(5 * MINUTES - MOMENT)
    assert not await is_known(keys, "made-up")
    assert await is_known(keys, "key-1")
    assert len(page.paths) == 1

    clock.advance(MOMENT)
    assert not await is_known(keys, "made-up")
    assert len(page.paths) == 2


async def test_a_rotation_is_survived_without_a_pause_and_a_key_that_is_gone_opens_nothing(
    page: KeyPage, keys: SigningKeys, clock: Clock
) -> None:
    for number in range(1, 5):
        page.body = key_set(f"key-{number}", f"key-{number + 1}")
        assert await is_known(keys, f"key-{number + 1}")

    assert await is_known(keys, "key-4")
    assert not await is_known(keys, "key-1")
    assert clock.moment == Clock().moment


async def test_after_a_day_the_keys_are_fetched_behind_the_callers_back(
    page: KeyPage, keys: SigningKeys, clock: Clock
) -> None:
    await is_known(keys, "key-1")
    page.body = key_set("key-2")
    clock.advance(DAY - MOMENT)
    assert await is_known(keys, "key-1")
    await settle(keys)
    assert len(page.paths) == 1

    clock.advance(MOMENT)
    assert await is_known(keys, "key-1")
    await settle(keys)
    assert not await is_known(keys, "key-1")
    assert await is_known(keys, "key-2")
    assert len(page.paths) == 2


AWAY = [
    pytest.param({"status": 503}, "Entra answered 503", id="unwell"),
    pytest.param({"status": 404}, "Entra answered 404", id="no such tenant"),
    pytest.param(
        {"status": 302, "headers": {"Location": "/elsewhere"}}, "Entra answered 302", id="moved"
    ),
    pytest.param({"body": b"<html>"}, "no set of keys", id="a web page"),
    pytest.param({"body": b'{"keys": []}'}, "no set of keys", id="no keys"),
    pytest.param({"body": b" " * (1024 * 1024 + 1)}, "Entra answered far too much", id="too much"),
    pytest.param(
        {"headers": {"Content-Length": "9999"}},
        "ClientPayloadError",
        id="cut off",
    ),
    pytest.param({"headers": {"Content-Encoding": "gzip"}}, "ClientPayloadError", id="garbled"),
]


@pytest.mark.parametrize(("trouble", "cause"), AWAY)
async def test_keys_that_cannot_be_had_are_no_verdict_on_a_token_and_are_asked_for_again(
    trouble: dict[str, object],
    cause: str,
    page: KeyPage,
    keys: SigningKeys,
    caplog: pytest.LogCaptureFixture,
) -> None:
    well = {name: getattr(page, name) for name in trouble}
    vars(page).update(trouble)
    with pytest.raises(SigningKeysUnavailableError) as refusal:
        await keys.find("key-1")
    assert refusal.value.retry_after_seconds is None
    assert [(one.levelno, one.message) for one in caplog.records] == [
        (logging.WARNING, f'signing keys unavailable cause="{cause}"')
    ]

    vars(page).update(well)
    assert await is_known(keys, "key-1")
    assert "/elsewhere" not in page.paths


async def test_nobody_there_and_no_answer_in_time_are_told_apart_in_the_log(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for seconds, cause in ((30, "ClientConnectorError"), (1e-9, "TimeoutError")):
        keys = SigningKeys.connect("http://127.0.0.1:9", TENANT, timeout_seconds=seconds, now=clock)
        with pytest.raises(SigningKeysUnavailableError):
            await keys.find("key-1")
        await keys.close()
        assert cause in caplog.messages[-1]


async def test_known_keys_serve_on_while_entra_is_away_and_a_new_one_is_not_called_wrong(
    page: KeyPage, keys: SigningKeys, clock: Clock
) -> None:
    await is_known(keys, "key-1")
    page.status = 503
    clock.advance(2 * DAY)

    for _ in range(100):
        assert await is_known(keys, "key-1")
        await settle(keys)
        with pytest.raises(SigningKeysUnavailableError) as refusal:
            await keys.find("key-2")
        assert refusal.value.retry_after_seconds == 300
    assert len(page.paths) == 2

    page.status, page.body = 200, key_set("key-1", "key-2")
    clock.advance(5 * MINUTES)
    assert await is_known(keys, "key-2")


async def test_a_caller_who_hangs_up_takes_nobody_elses_keys_along(
    page: KeyPage, keys: SigningKeys
) -> None:
    gone, other = (asyncio.create_task(keys.find("key-1")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()

    assert await other is not None
    assert len(page.paths) == 1


async def test_a_check_asks_entra_for_keys_it_does_not_know_and_for_nothing_else(
    page: KeyPage, keys: SigningKeys
) -> None:
    rules = TokenRules.of_tenant(TENANT, authority=AUTHORITY, audience=AUDIENCE)
    check = TokenCheck(keys=keys, rules=rules)

    for _ in range(20):
        assert (await check.verify(Secret(a_token()))).roles
        for bad in ("", "session-token", a_token(exp=1), a_token(aud="api://another")):
            with pytest.raises(UnauthorizedError):
                await check.verify(Secret(bad))
    with pytest.raises(UnauthorizedError):
        await check.verify(Secret(a_token("key-2")))
    assert len(page.paths) == 2
