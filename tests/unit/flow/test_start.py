import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import (
    AppError,
    FaceUnavailableError,
    InvalidImageError,
    InvalidImageSizeError,
    InvalidRequestError,
    KeyUnavailableError,
    ReferenceImageQualityError,
    SessionConflictError,
    StoreConflictError,
    StoreUnavailableError,
    TooManyAttemptsError,
    TooManySessionsError,
)
from shared.flow.turns import Turns
from shared.secret import Secret
from shared.session.face_answer import FaceStatus, Quality, ReferenceImage
from shared.session.person import Person, PersonKind
from shared.session.session import Report, Session
from shared.session.session_token import hash_token
from shared.session.start_request import StartRequest
from shared.session.started import Started
from tests.support.builders import GRACE, NOW, PNG, TOKEN_LIFE, a_request, an_answer, an_attempt
from tests.support.fakes import SEALER, SequentialBytes
from tests.support.stage import Stage
from tests.unit.flow.states import UNKNOWN_OUTCOMES

REQUEST = a_request(user="user-1")
WITH_IMAGE = a_request(user="user-1", image=PNG)
DAY = timedelta(hours=24)
KEYS = pytest.mark.parametrize("key", [None, "k"], ids=["without-a-key", "with-a-key"])


async def create(stage: Stage, request: StartRequest = REQUEST, key: str | None = None) -> Started:
    return await stage.app.start.start(request, Secret(key) if key else None)


def kept(stage: Stage) -> tuple[int, int, int]:
    """Count what is kept: sessions, keys, slots."""
    return len(stage.store.sessions), stage.store.count("key"), stage.store.count("slot")


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


async def test_a_session_is_created_at_face_and_recorded_with_its_alarm_and_no_token(
    stage: Stage,
) -> None:
    started = await create(stage)

    session = only_session(stage)
    assert session == replace(started.session, version=session.version)
    assert (session.face_session_id, session.created_at) == ("face-1", NOW)
    assert session.alarm_at == NOW + TOKEN_LIFE + GRACE
    assert started.auth_token == Secret("face-auth-token-1")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", started.session_token.reveal())
    assert session.token_hash == hash_token(started.session_token)
    assert kept(stage) == (1, 0, 1)


async def test_a_start_is_logged_without_a_word_on_the_person(stage: Stage) -> None:
    started = await create(stage)

    told = {"kind": "liveness", "model_version": "2024-11-15"}
    assert stage.events.named("session started") == [
        {"session_id": started.session.session_id, **told}
    ]


async def test_operators_learn_of_a_model_when_it_is_first_seen(stage: Stage) -> None:
    app = stage.app
    await app.start.start(REQUEST)
    await app.start.start(REQUEST)

    assert stage.events.named("model first seen") == [{"model_version": "2024-11-15"}]


async def test_with_an_image_its_quality_is_passed_on_and_its_hash_kept(stage: Stage) -> None:
    started = await create(stage, WITH_IMAGE)

    assert started.session.reference_image == ReferenceImage(
        quality=Quality.HIGH, face_rectangle=None
    )
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


@pytest.mark.parametrize("error", [StoreUnavailableError("silent"), StoreConflictError("again")])
async def test_a_create_whose_record_may_come_yet_leaves_its_face_session_to_a_repeat(
    error: AppError, stage: Stage
) -> None:
    stage.faults.drop_responses("insert", error)
    stage.faults.fail_next("load", StoreUnavailableError("silent"))
    with pytest.raises(StoreUnavailableError):
        await create(stage, key="k")

    repeated = await create(stage, key="k")

    assert stage.face.alive == {repeated.session.face_session_id}
    assert stage.face_calls == ["create"]


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
        assert started.session.reference_image == stage.face.reference_image
    else:
        with pytest.raises(ReferenceImageQualityError):
            await create(stage, WITH_IMAGE, "k")
        assert (stage.face.alive, kept(stage)) == (set(), (0, 0, 0))


async def test_without_an_image_there_is_no_quality_to_ask_for(stage: Stage) -> None:
    stage.settings = replace(stage.settings, min_reference_quality="high")

    assert (await create(stage)).session.reference_image is None


async def test_a_poor_image_is_refused_even_if_face_cannot_delete_its_session(
    stage: Stage,
) -> None:
    stage.face.reference_image = None
    stage.faults.fail("delete", FaceUnavailableError("down"))

    with pytest.raises(ReferenceImageQualityError):
        await create(stage, WITH_IMAGE)

    assert len(stage.events.named("face failed")) == 1


@pytest.mark.parametrize(
    "error", [None, InvalidImageError("no face"), InvalidImageSizeError("too large")], ids=repr
)
async def test_a_create_that_face_refuses_for_its_image_is_a_start_that_goes_after_a_day(
    error: Exception | None, stage: Stage
) -> None:
    stage.face.reference_image = None
    if error:
        stage.faults.fail("create", error)
    for _ in range(20):
        with pytest.raises((InvalidRequestError, ReferenceImageQualityError)):
            await create(stage, WITH_IMAGE)

    with pytest.raises(TooManyAttemptsError):
        await create(stage, WITH_IMAGE)

    assert (stage.store.count("start"), stage.flaws) == (20, [])
    await stage.sweep_after(DAY)
    assert stage.rows == []


async def test_a_poor_image_of_nobody_leaves_nothing(stage: Stage) -> None:
    stage.face.reference_image = None

    with pytest.raises(ReferenceImageQualityError):
        await create(stage, a_request(device=None, image=PNG))

    assert stage.rows == []


# What a person may do.


async def test_a_person_has_no_more_open_sessions_than_may_be_TooManySessions(  # noqa: N802
    stage: Stage,
) -> None:
    for _ in range(5):
        await create(stage)
        stage.clock.advance(timedelta(seconds=10))

    with pytest.raises(TooManySessionsError) as caught:
        await create(stage)

    assert str(caught.value) == "this person has too many open sessions"
    assert caught.value.retry_after_seconds == 550
    assert (len(stage.store.sessions), stage.face_calls) == (5, ["create"] * 5)
    stage.clock.advance(timedelta(seconds=550))
    await create(stage)
    assert stage.flaws == []


async def test_of_forty_creates_at_once_in_one_process_five_reach_face(stage: Stage) -> None:
    start = stage.app.start
    done = await asyncio.gather(*(start.start(REQUEST) for _ in range(40)), return_exceptions=True)

    lost = [type(one) for one in done if isinstance(one, AppError)]
    assert (lost, stage.face_calls) == ([TooManySessionsError] * 35, ["create"] * 5)


async def test_of_many_creates_at_once_in_as_many_processes_exactly_as_many_as_may_be_succeed(
    stage: Stage,
) -> None:
    won, lost = await create_all(stage, *[(REQUEST, None)] * 12)

    assert (len(won), {type(error) for error in lost}) == (5, {TooManySessionsError})
    assert stage.face.alive == {started.session.face_session_id for started in won}
    assert stage.flaws == []


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(a_request(user="user-2"), id="another-user-on-the-same-device"),
        pytest.param(a_request(user=None, device="user-1"), id="a-device-of-the-users-name"),
        pytest.param(a_request(user=None), id="the-device-without-the-user"),
    ],
)
async def test_a_limit_is_one_persons_own_on_every_device(
    others: StartRequest, stage: Stage
) -> None:
    for number in range(5):
        await create(stage, a_request(user="user-1", device=f"device-{number}"))

    await create(stage, others)
    with pytest.raises(TooManySessionsError):
        await create(stage, a_request(user="user-1", device=None))


async def test_whom_nothing_names_nothing_counts(stage: Stage) -> None:
    for _ in range(21):
        await create(stage, a_request(device=None))

    assert (len(stage.store.sessions), stage.store.ledger_keys) == (21, [])


async def test_limits_of_0_refuse_nobody(stage: Stage) -> None:
    stage.settings = replace(
        stage.settings, max_open_sessions=0, max_starts_per_hour=0, max_failures=0
    )
    for _ in range(25):
        await create(stage)

    assert (len(stage.store.sessions), stage.store.count("slot")) == (25, 0)


async def test_where_nobody_is_named_it_is_the_device_that_has_too_many(stage: Stage) -> None:
    for _ in range(5):
        await create(stage, a_request())

    with pytest.raises(TooManySessionsError, match="this device has too many open sessions"):
        await create(stage, a_request())


async def test_a_person_starts_no_more_than_so_often_an_hour_TooManyAttempts(  # noqa: N802
    stage: Stage,
) -> None:
    stage.face.answer = an_answer(status=FaceStatus.NOT_STARTED)
    for _ in range(20):
        case = await create(stage)
        await stage.app.flow.cancel(case.session.session_id, case.session_token)
        stage.clock.advance(timedelta(seconds=1))

    with pytest.raises(TooManyAttemptsError) as caught:
        await create(stage)

    assert caught.value.retry_after_seconds == 3580
    stage.clock.advance(timedelta(seconds=3580))
    await create(stage)


async def test_an_operator_unlocks_a_person_for_good_and_that_goes_after_a_day(
    stage: Stage,
) -> None:
    stage.face.answer = an_answer(replace(an_attempt(), liveness_decision="spoofface"))
    for _ in range(5):
        started = await create(stage)
        await stage.app.flow.complete(started.session.session_id, started.session_token, Report())
    with pytest.raises(TooManyAttemptsError):
        await create(stage)

    for _ in range(2):
        await stage.app.persons.unlock(Person(kind=PersonKind.USER, id="user-1"))
        await create(stage)
        await stage.sweep_after(timedelta(hours=12))

    assert stage.store.ledger_keys.count("3-unlock") == 1
    await stage.sweep_after(timedelta(hours=12), timedelta(hours=12))
    assert stage.store.ledger_keys.count("3-unlock") == 0
    assert stage.flaws == []


async def test_a_turn_is_waited_for_as_long_as_face_may_take_SessionConflict(  # noqa: N802
    stage: Stage,
) -> None:
    start = stage.app.start
    start = replace(start, turns=Turns(max_wait_seconds=0.01))
    async with start.turns.take(SEALER.hash_person("user", "user-1")):
        with pytest.raises(SessionConflictError) as caught:
            await start.start(REQUEST)

    assert (caught.value.retry_after_seconds, stage.face_calls) == (1, [])
    await start.start(REQUEST)


async def test_a_ledger_that_cannot_be_read_creates_nothing_at_face(stage: Stage) -> None:
    stage.faults.fail_next("load_ledger", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await create(stage)

    assert stage.face_calls == []


async def test_rows_of_a_ledger_that_cannot_be_read_stand_in_nobodys_way_and_are_told(
    stage: Stage,
) -> None:
    person = SEALER.hash_person("user", "user-1")
    stage.store.table.put({"PartitionKey": person[0], "RowKey": f"p:{person}:1-slot-nonsense"})

    started = await create(stage)

    told = stage.events.named("ledger unreadable")
    assert [(one["session_id"], one["skipped"]) for one in told] == [
        (started.session.session_id, 1)
    ]


async def test_a_ledger_that_never_stands_still_is_given_up_and_nothing_stays_at_face(
    stage: Stage,
) -> None:
    stage.faults.fail("insert", StoreConflictError("changed since"))

    with pytest.raises(StoreUnavailableError):
        await create(stage)

    assert (stage.face.alive, stage.rows) == (set(), [])
