"""A create that is repeated under its key gets the very same answer, and does nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import (
    AppError,
    CreatesPausedError,
    FaceUnavailableError,
    IdempotencyKeyReusedError,
    SessionConflictError,
    StoreUnavailableError,
)
from shared.secret import Secret
from shared.session import transitions
from shared.session.session import Report, Session
from shared.session.start_request import Mode, StartRequest
from shared.session.started import Started, read_started, write_started
from shared.store import ledger_rows
from tests.support.any_records import any_record
from tests.support.builders import NOW, PNG, a_passing_answer, a_request
from tests.support.fakes import SEALER
from tests.support.memory_table import StoreInMemory
from tests.support.stage import Stage, end_of

REQUEST = a_request(user="user-1")
WITH_IMAGE = a_request(user="user-1", image=PNG)
KEY, OTHER_KEY = Secret("k" * 16), Secret("l" * 16)
DAY = timedelta(hours=24)
REQUESTS = pytest.mark.parametrize("request_", [REQUEST, WITH_IMAGE], ids=lambda one: one.kind)


async def create(
    stage: Stage, request: StartRequest = REQUEST, key: Secret | None = KEY
) -> Started:
    return await stage.app.start.start(request, key)


def told(started: Started) -> Started:
    """Leave out what is no part of the answer."""
    return replace(started, session=replace(started.session, version="", alarm_at=NOW))


@REQUESTS
async def test_a_repeat_gets_the_same_answer_without_a_call_to_face_or_a_write(
    request_: StartRequest, stage: Stage
) -> None:
    first = await create(stage, request_)
    writes = stage.store.writes
    stage.clock.advance(timedelta(minutes=9))

    again = await create(stage, request_)

    assert told(again) == told(first)
    assert (stage.face_calls, stage.store.writes) == (["create"], writes)


async def test_a_repeat_is_no_start_and_comes_before_every_refusal(stage: Stage) -> None:
    first = await create(stage)
    for _ in range(4):
        await create(stage, key=None)
    stage.faults.fail("create", FaceUnavailableError("breaker open", is_breaker_open=True))

    for _ in range(25):
        assert told(await create(stage)) == told(first)

    assert stage.store.count("start") == 5


async def test_while_creates_are_paused_a_repeat_gets_its_answer_and_nobody_else_one(
    stage: Stage,
) -> None:
    first = await create(stage)
    stage.settings = replace(stage.settings, allow_creates=False)

    assert told(await create(stage)) == told(first)
    with pytest.raises(CreatesPausedError):
        await create(stage, key=OTHER_KEY)
    assert stage.face_calls == ["create"]


@pytest.mark.parametrize(
    "become",
    [
        pytest.param(
            lambda store, one: store.replace(one, transitions.canceled(one, NOW)), id="ended"
        ),
        pytest.param(StoreInMemory.purge, id="purged"),
    ],
)
async def test_a_key_whose_session_is_over_has_no_answer_any_more_SessionConflict(  # noqa: N802
    become: Callable[[StoreInMemory, Session], Awaitable[None]], stage: Stage
) -> None:
    await create(stage)
    (session,) = stage.store.sessions.values()
    records = [row for row in stage.rows if ":2-key-" in row["RowKey"]]
    await become(stage.store, session)
    for row in records:
        stage.store.table.put(row)

    with pytest.raises(SessionConflictError) as caught:
        await create(stage)

    assert (caught.value.retry_after_seconds, stage.face.calls.count("create")) == (None, 1)


async def test_a_key_whose_token_has_expired_has_no_answer_any_more(stage: Stage) -> None:
    first = await create(stage)
    stage.clock.moment = first.session.expires_at - timedelta(milliseconds=1)
    await create(stage)
    stage.clock.moment = first.session.expires_at

    with pytest.raises(SessionConflictError):
        await create(stage)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        pytest.param(REQUEST, a_request(user="user-1", mode=Mode.PASSIVE), id="another-mode"),
        pytest.param(WITH_IMAGE, a_request(user="user-1", image=PNG + b"\0"), id="another-image"),
    ],
)
async def test_another_request_under_a_used_key_is_refused_IdempotencyKeyReused(  # noqa: N802
    one: StartRequest, another: StartRequest, stage: Stage
) -> None:
    await create(stage, one)

    with pytest.raises(IdempotencyKeyReusedError):
        await create(stage, another)

    assert (len(stage.store.sessions), stage.face_calls) == (1, ["create"])


@pytest.mark.parametrize(
    ("one", "another"),
    [
        pytest.param(REQUEST, a_request(user="user-2"), id="two-users-of-one-device"),
        pytest.param(
            a_request(user="x", device="d"), a_request(device="x"), id="a-user-and-a-device"
        ),
    ],
)
async def test_the_same_key_of_another_person_is_another_key(
    one: StartRequest, another: StartRequest, stage: Stage
) -> None:
    first, second = await create(stage, one), await create(stage, another)

    assert first.session.session_id != second.session.session_id


@pytest.mark.parametrize("fault", ["create", "insert"])
async def test_a_create_that_failed_leaves_no_record(fault: str, stage: Stage) -> None:
    error = FaceUnavailableError("down") if fault == "create" else StoreUnavailableError("down")
    stage.faults.fail_next(fault, error)
    assert await end_of(create(stage)) is not None

    assert stage.rows == []
    await create(stage, WITH_IMAGE)


@pytest.mark.parametrize("other", [REQUEST, WITH_IMAGE], ids=["same-request", "another-request"])
async def test_a_key_of_a_day_ago_is_as_good_as_new_and_leaves_nothing(
    other: StartRequest, stage: Stage
) -> None:
    first = await create(stage)
    await create(stage, key=OTHER_KEY)
    stage.clock.advance(DAY)

    fresh = await create(stage, other)

    assert fresh.session.session_id != first.session.session_id
    assert stage.store.count("key") == 1
    answers = [row["RowKey"] for row in stage.rows if row["RowKey"].startswith("answer-")]
    assert answers == [f"answer-{fresh.session.session_id}"]


async def test_what_is_over_but_half_gone_holds_up_no_create(stage: Stage) -> None:
    first = await create(stage)
    del stage.store.table.rows[first.session.session_id[0], f"answer-{first.session.session_id}"]
    stage.clock.advance(DAY)

    await create(stage, key=OTHER_KEY)
    await create(stage)

    assert stage.store.count("key") == 2


async def test_a_record_that_cannot_be_read_is_over_and_goes(stage: Stage) -> None:
    await create(stage)
    (row,) = [row for row in stage.rows if ":2-key-" in row["RowKey"]]
    stage.store.table.put({**row, "endsAt": 5})

    await create(stage, key=OTHER_KEY)
    await create(stage)

    assert stage.store.count("key") == 2


@pytest.mark.parametrize("full", [False, True], ids=["room-for-more", "room-for-one"])
async def test_of_equal_creates_in_many_processes_at_once_all_get_the_one_answer(
    stage: Stage, *, full: bool
) -> None:
    for _ in range(4 if full else 0):
        await create(stage, key=None)
    done = await asyncio.gather(*(create(stage) for _ in range(6)))

    assert len({one.session_token for one in done}) == 1
    assert len({one.auth_token for one in done}) == 1
    assert len(stage.face.alive) == len(stage.store.sessions) == (5 if full else 1)
    assert stage.flaws == []


async def test_of_two_requests_with_one_key_at_once_the_loser_learns_why(stage: Stage) -> None:
    done = await asyncio.gather(create(stage), create(stage, WITH_IMAGE), return_exceptions=True)

    assert [type(one) for one in done if not isinstance(one, Started)] == [
        IdempotencyKeyReusedError
    ]
    assert len(stage.face.alive) == 1


async def test_a_repeat_takes_nothing_from_a_device_at_work(stage: Stage) -> None:
    first = await create(stage)
    stage.face.answer = a_passing_answer()

    again, ended = await asyncio.gather(
        end_of(create(stage)),
        stage.app.flow.complete(first.session.session_id, first.session_token, Report()),
    )

    assert ended.verdict is not None
    assert ended.verdict.outcome == "passed"
    assert isinstance(again, SessionConflictError) or (
        isinstance(again, Started) and again.session_token == first.session_token
    )


async def test_an_answer_that_somebody_has_changed_is_not_given(stage: Stage) -> None:
    first = await create(stage)
    stage.store.table.put(ledger_rows.answer_row(first.session.session_id, "AAAA"))

    with pytest.raises(StoreUnavailableError):
        await create(stage)

    assert stage.face_calls == ["create"]


async def test_the_table_read_raw_opens_to_nobody(stage: Stage) -> None:
    first = await create(stage)

    plain = repr(stage.rows)
    for secret in (
        KEY.reveal(), first.auth_token.reveal(), first.session_token.reveal(), "user-1", "device-1",
    ):  # fmt: skip
        assert secret not in plain
    (row,) = [row for row in stage.rows if row["RowKey"].startswith("answer-")]
    for guess in (OTHER_KEY, Secret("")):
        with pytest.raises(AppError):
            SEALER.open_answer(
                row["sealedAnswer"], guess, session_id=first.session.session_id, request_hash="x"
            )


@given(
    started=any_record(
        Started,
        auth_token=st.text().map(Secret),
        session_token=st.text().map(Secret),
    )
)
@settings(max_examples=50, deadline=None)
def test_nothing_of_an_answer_is_lost(started: Started) -> None:
    back = read_started(started.session, write_started(started))

    assert replace(back, session=started.session) == started
    assert back.session.status == "started"
