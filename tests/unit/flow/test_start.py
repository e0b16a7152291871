import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    AppError,
    FaceUnavailableError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    KeyUnavailableError,
    ReferenceImageQualityError,
    SessionConflictError,
    StoreConflictError,
    StoreUnavailableError,
    TooManySessionsError,
)
from shared.flow.start import Started
from shared.secret import Secret
from shared.session import idempotency, transitions
from shared.session.face_answer import Quality, ReferenceImage
from shared.session.ids import shard_of
from shared.session.session import Session
from shared.session.session_token import hash_token
from shared.session.start_request import Mode, StartRequest
from shared.store import row_keys
from tests.support.builders import GRACE, NOW, PNG, TOKEN_LIFE, a_request
from tests.support.fakes import SequentialBytes
from tests.support.memory_table import StoreInMemory
from tests.support.stage import Stage
from tests.unit.flow.states import UNKNOWN_OUTCOMES

REQUEST = a_request(user="user-1")
WITH_IMAGE = a_request(user="user-1", image=PNG)
DAY = timedelta(hours=24)
KEYS = pytest.mark.parametrize("key", [None, "k"], ids=["without-a-key", "with-a-key"])


async def create(stage: Stage, request: StartRequest = REQUEST, key: str | None = None) -> Started:
    return await stage.app.start.start(request, key)


def kept(stage: Stage) -> tuple[int, int, int]:
    """Count what is kept: sessions, keys, people with open sessions."""
    return len(stage.store.sessions), len(stage.store.claims), len(stage.store.counts)


def only_session(stage: Stage) -> Session:
    (session,) = stage.store.sessions.values()
    return session


async def test_without_the_apps_secret_nothing_is_created_and_nobody_else_is_asked(
    stage: Stage,
) -> None:
    stage.app_secret.fails = KeyUnavailableError("the vault gave no app-secret")

    with pytest.raises(KeyUnavailableError):
        await create(stage)

    assert (kept(stage), stage.face.calls, stage.faults.calls) == ((0, 0, 0), [], [])


async def create_all(
    stage: Stage, *keyed: tuple[StartRequest, str | None]
) -> tuple[list[Started], list[AppError]]:
    """Create at the same moment, and tell the winners from the losers."""
    done = await asyncio.gather(
        *(create(stage, request, key) for request, key in keyed), return_exceptions=True
    )
    won = [one for one in done if isinstance(one, Started)]
    lost = [one for one in done if isinstance(one, AppError)]
    assert len(won) + len(lost) == len(done)
    return won, lost


async def test_a_session_is_created_at_face_and_recorded_with_its_alarm(stage: Stage) -> None:
    started = await create(stage)

    session = only_session(stage)
    assert session == replace(started.session, version=session.version)
    assert (session.face_session_id, session.created_at) == ("face-1", NOW)
    assert session.alarm_at == NOW + TOKEN_LIFE + GRACE
    assert started.auth_token == Secret("face-auth-token-1")
    assert kept(stage) == (1, 0, 1)


async def test_a_session_token_has_43_characters_and_only_its_hash_is_kept(
    stage: Stage,
) -> None:
    started = await create(stage)

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", started.session_token.reveal())
    assert started.session.token_hash == hash_token(started.session_token)


async def test_a_start_is_logged_without_a_word_on_the_person(stage: Stage) -> None:
    started = await create(stage)

    fields = {"session_id": started.session.session_id, "kind": "liveness"}
    assert stage.events.named("session started") == [fields]


async def test_with_an_image_its_quality_is_passed_on_and_its_hash_kept(stage: Stage) -> None:
    started = await create(stage, WITH_IMAGE)

    assert started.reference_image == ReferenceImage(quality=Quality.HIGH, face_rectangle=None)
    assert started.session.verify_image_sha256 == WITH_IMAGE.verify_image_sha256
    assert stage.face.created == [WITH_IMAGE]


@pytest.mark.parametrize(
    "error", [InvalidRequestError("no"), *(one.values[0] for one in UNKNOWN_OUTCOMES)], ids=repr
)
async def test_what_face_does_not_create_is_not_recorded(error: Exception, stage: Stage) -> None:
    stage.faults.fail("create", error)

    with pytest.raises(type(error)):
        await create(stage, key="k")

    assert kept(stage) == (0, 0, 0)


# The record.


@KEYS
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StoreUnavailableError("cut"), id="cut-off"),
        pytest.param(StoreConflictError("there already"), id="repeated-by-the-sdk"),
        # The store's second look found the person's cap reached: by this very session.
        pytest.param(TooManySessionsError("too many"), id="it-filled-the-cap-itself"),
    ],
)
async def test_a_create_whose_insert_answer_was_lost_has_succeeded(
    error: Exception, key: str | None, stage: Stage
) -> None:
    stage.faults.drop_responses("insert", error)
    started = await create(stage, key=key)

    assert only_session(stage).token_hash == hash_token(started.session_token)
    assert (kept(stage), stage.face.deleted) == ((1, 0 if key is None else 1, 1), [])


@KEYS
async def test_a_create_that_cannot_be_recorded_deletes_its_face_session(
    key: str | None, stage: Stage
) -> None:
    stage.faults.fail_next("insert", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await create(stage, key=key)

    assert (stage.face.alive, kept(stage)) == (set(), (0, 0, 0))


async def test_a_create_that_nobody_can_look_up_deletes_its_face_session(stage: Stage) -> None:
    stage.faults.fail_next("insert", StoreUnavailableError("down"))
    stage.faults.fail_next("load", StoreUnavailableError("down"))
    stage.faults.fail("delete", FaceUnavailableError("down too"))

    with pytest.raises(StoreUnavailableError):
        await create(stage)

    assert stage.face_calls == ["create", "delete"]
    assert [fields["operation"] for fields in stage.events.named("face failed")] == ["delete"]


async def test_a_create_never_takes_another_session_for_its_own(stage: Stage) -> None:
    # The same random bytes again, against all odds: the same id, and another's token.
    start = stage.app.start
    await replace(start, random_bytes=SequentialBytes()).start(REQUEST)
    stage.store.hold(replace(only_session(stage), token_hash="another"))

    with pytest.raises(StoreUnavailableError):
        await replace(start, random_bytes=SequentialBytes()).start(REQUEST)

    assert stage.face.alive == {"face-1"}
    assert only_session(stage).token_hash == "another"


# The reference image.


@pytest.mark.parametrize("quality", [*Quality, None])
async def test_a_reference_image_must_be_as_good_as_the_setting_says(
    quality: Quality | None, stage: Stage
) -> None:
    stage.face.reference_image = ReferenceImage(quality=quality, face_rectangle=None)

    if quality in {Quality.MEDIUM, Quality.HIGH}:
        started = await create(stage, WITH_IMAGE, "k")
        assert started.reference_image == stage.face.reference_image
    else:
        with pytest.raises(ReferenceImageQualityError):
            await create(stage, WITH_IMAGE, "k")
        assert (stage.face.alive, kept(stage)) == (set(), (0, 0, 0))


async def test_without_an_image_there_is_no_quality_to_ask_for(stage: Stage) -> None:
    stage.settings = replace(stage.settings, min_reference_quality="high")

    assert (await create(stage)).reference_image is None


async def test_a_poor_image_is_refused_even_if_face_cannot_delete_its_session(
    stage: Stage,
) -> None:
    stage.face.reference_image = None
    stage.faults.fail("delete", FaceUnavailableError("down"))

    with pytest.raises(ReferenceImageQualityError):
        await create(stage, WITH_IMAGE)

    assert len(stage.events.named("face failed")) == 1


# The cap.


async def test_a_person_has_no_more_open_sessions_than_may_be_TooManySessions(  # noqa: N802
    stage: Stage,
) -> None:
    for _ in range(5):
        await create(stage)

    with pytest.raises(TooManySessionsError) as caught:
        await create(stage)

    assert caught.value.retry_after_seconds == 60
    assert (len(stage.store.sessions), stage.face_calls) == (5, ["create"] * 5)


async def test_of_many_creates_at_once_exactly_as_many_as_may_be_succeed(stage: Stage) -> None:
    won, lost = await create_all(stage, *[(REQUEST, None)] * 12)

    assert (len(won), {type(error) for error in lost}) == (5, {TooManySessionsError})
    assert stage.face.alive == {started.session.face_session_id for started in won}
    assert stage.store.counts == [5]


async def test_an_ending_makes_room(stage: Stage) -> None:
    for _ in range(5):
        started = await create(stage)
    before = stage.store.sessions[started.session.session_id]
    await stage.store.replace(before, transitions.canceled(before, NOW))

    await create(stage)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(a_request(user="user-2"), id="another-user-on-the-same-device"),
        pytest.param(a_request(user=None, device="user-1"), id="a-device-of-the-users-name"),
        pytest.param(a_request(user=None), id="the-device-without-the-user"),
    ],
)
async def test_a_full_cap_is_one_persons_own_on_every_device(
    others: StartRequest, stage: Stage
) -> None:
    for number in range(5):
        await create(stage, a_request(user="user-1", device=f"device-{number}"))

    await create(stage, others)
    with pytest.raises(TooManySessionsError):
        await create(stage, a_request(user="user-1", device=None))


@KEYS
async def test_whom_nothing_names_nothing_counts(key: str | None, stage: Stage) -> None:
    for number in range(7):
        await create(stage, a_request(device=None), key and f"{key}{number}")

    assert (len(stage.store.sessions), stage.store.counts) == (7, [])


async def test_a_cap_of_0_counts_nobody(stage: Stage) -> None:
    stage.settings = replace(stage.settings, max_open_sessions=0)
    for _ in range(7):
        await create(stage)

    assert (len(stage.store.sessions), stage.store.counts) == (7, [])


async def test_a_count_that_cannot_be_read_creates_nothing_at_face(stage: Stage) -> None:
    stage.faults.fail_next("count_open_sessions", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await create(stage)

    assert stage.face_calls == []


# The idempotency key.


async def test_a_key_is_kept_hashed_for_a_day_beside_its_session(stage: Stage) -> None:
    started = await create(stage, key="the-key")

    (claim,) = stage.store.claims
    assert claim == idempotency.Claim(
        shard=shard_of(started.session.session_id),
        key_hash=idempotency.hash_key("the-key", REQUEST),
        request_hash=idempotency.hash_request(REQUEST),
        session_id=started.session.session_id,
        ends_at=NOW + DAY,
        version=claim.version,
    )


@pytest.mark.parametrize("request_", [REQUEST, WITH_IMAGE], ids=lambda one: one.kind)
async def test_a_repeated_create_changes_nothing_and_asks_nobody_SessionConflict(  # noqa: N802
    request_: StartRequest, stage: Stage
) -> None:
    await create(stage, request_, "k")
    before = (only_session(stage), kept(stage))
    # A key is good until its last moment.
    stage.clock.advance(DAY - timedelta(milliseconds=1))

    with pytest.raises(SessionConflictError) as caught:
        await create(stage, request_, "k")

    # It may come back as often as it likes: only another key creates another session.
    assert caught.value.retry_after_seconds is None
    assert ((only_session(stage), kept(stage)), stage.face_calls) == (before, ["create"])


@pytest.mark.parametrize(
    "become",
    [
        pytest.param(
            lambda store, one: store.replace(one, transitions.canceled(one, NOW)), id="ended"
        ),
        pytest.param(StoreInMemory.purge, id="purged"),
    ],
)
async def test_a_key_creates_nothing_more_whatever_became_of_its_session(
    become: Callable[[StoreInMemory, Session], Awaitable[None]], stage: Stage
) -> None:
    await create(stage, key="k")
    await become(stage.store, only_session(stage))

    with pytest.raises(SessionConflictError):
        await create(stage, key="k")

    assert stage.face_calls == ["create"]


async def test_a_repeated_create_at_a_full_cap_learns_that_its_key_is_used(
    stage: Stage,
) -> None:
    await create(stage, key="k")
    for _ in range(4):
        await create(stage)

    with pytest.raises(SessionConflictError):
        await create(stage, key="k")
    with pytest.raises(TooManySessionsError):
        await create(stage, key="another")


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
    await create(stage, one, "k")
    before = only_session(stage)

    with pytest.raises(IdempotencyKeyReusedError):
        await create(stage, another, "k")

    assert (only_session(stage), stage.face_calls) == (before, ["create"])


@pytest.mark.parametrize(
    ("one", "another"),
    [
        pytest.param(REQUEST, a_request(user="user-2"), id="two-users-of-one-device"),
        pytest.param(
            a_request(user="x", device="d"), a_request(device="x"), id="a-user-and-a-device"
        ),
        pytest.param(
            a_request(device="None"), a_request(device=None), id="a-device-named-None-and-nobody"
        ),
    ],
)
async def test_the_same_key_of_another_person_is_another_key(
    one: StartRequest, another: StartRequest, stage: Stage
) -> None:
    first, second = await create(stage, one, "k"), await create(stage, another, "k")

    assert first.session.session_id != second.session.session_id
    assert len(stage.store.claims) == 2


async def test_a_key_alone_is_enough_where_nobody_is_named(stage: Stage) -> None:
    nobody = a_request(device=None)
    first = await create(stage, nobody, "k")
    await create(stage, nobody, "l")

    with pytest.raises(SessionConflictError):
        await create(stage, nobody, "k")
    (claim, _) = stage.store.claims
    assert shard_of(first.session.session_id) == claim.shard


@pytest.mark.parametrize("other", [REQUEST, WITH_IMAGE], ids=["same-request", "another-request"])
async def test_an_expired_key_is_as_good_as_new(other: StartRequest, stage: Stage) -> None:
    first = await create(stage, key="k")
    stage.clock.advance(DAY)
    fresh = await create(stage, other, "k")

    assert fresh.session.session_id != first.session.session_id
    (claim,) = stage.store.claims
    assert (claim.session_id, claim.ends_at) == (fresh.session.session_id, NOW + 2 * DAY)


async def test_an_expired_key_that_somebody_else_removes_is_a_lost_race(stage: Stage) -> None:
    await create(stage, key="k")
    stage.clock.advance(DAY)
    (claim,) = stage.store.claims
    stage.faults.fail_next(
        "drop_claim",
        lambda: stage.store.table.rows.pop((claim.shard, row_keys.claim_key(claim.key_hash))),
    )

    with pytest.raises(SessionConflictError) as caught:
        await create(stage, key="k")

    assert caught.value.retry_after_seconds == 1
    assert (await create(stage, key="k")).session.face_session_id == "face-2"


@pytest.mark.parametrize("full", [False, True], ids=["room-for-more", "room-for-one"])
async def test_of_two_creates_with_one_key_at_once_one_wins_and_the_other_may_retry(
    stage: Stage, *, full: bool
) -> None:
    for _ in range(4 if full else 0):
        await create(stage)
    (started,), (error,) = await create_all(stage, (REQUEST, "k"), (REQUEST, "k"))

    assert isinstance(error, SessionConflictError)
    assert error.retry_after_seconds == 1
    assert started.session.face_session_id in stage.face.alive
    assert len(stage.face.alive) == len(stage.store.sessions)
    assert len(stage.store.claims) == 1


async def test_of_two_requests_with_one_key_at_once_the_loser_learns_why(stage: Stage) -> None:
    (started,), (error,) = await create_all(stage, (REQUEST, "k"), (WITH_IMAGE, "k"))

    assert isinstance(error, IdempotencyKeyReusedError)
    assert stage.face.alive == {started.session.face_session_id}


async def test_a_loser_that_cannot_learn_who_won_says_that_the_store_is_down(
    stage: Stage,
) -> None:
    stage.faults.fail_next("insert", StoreConflictError("there already"))
    stage.faults.fail_next("load_claim", lambda: None, StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await create(stage, key="k")

    assert stage.face.alive == set()


async def test_a_key_that_cannot_be_looked_up_creates_nothing(stage: Stage) -> None:
    await create(stage, key="k")
    stage.faults.fail_next("load_claim", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await create(stage, key="k")

    assert stage.face_calls == ["create"]
