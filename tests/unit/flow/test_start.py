import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.errors import (
    AppError,
    FaceRefusedError,
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
from shared.flow.session_flow import LivenessFlow
from shared.flow.start import SessionStart, Started, StartRules
from shared.secret import Secret
from shared.session import idempotency, transitions
from shared.session.face_answer import ReferenceImage
from shared.session.session import Session, hash_token, shard_of
from shared.session.start_request import StartRequest
from tests.support.builders import GRACE, NOW, PNG, RULES, START_RULES, TOKEN_LIFE, a_request
from tests.support.fakes import Clock, FakeFace, RecordedEvents, SequentialBytes
from tests.support.faults import Faults
from tests.support.memory_table import StoreInMemory

REQUEST = a_request(user="user-1")
WITH_IMAGE = a_request(user="user-1", image=PNG)
DAY = timedelta(hours=24)
SILENCES = [
    pytest.param(FaceUnavailableError("down"), id="FaceUnavailable"),
    pytest.param(FaceRefusedError("no"), id="FaceRefused"),
    pytest.param(KeyUnavailableError("no key"), id="KeyUnavailable"),
]
LOST_ANSWERS = [
    pytest.param(StoreUnavailableError("cut"), id="cut-off"),
    pytest.param(StoreConflictError("there already"), id="repeated-by-the-sdk"),
]


@dataclass
class Stage:
    """A start on fakes, and what it did."""

    face: FakeFace = field(default_factory=FakeFace)
    store: StoreInMemory = field(default_factory=StoreInMemory)
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=Clock)
    notes: RecordedEvents = field(default_factory=RecordedEvents)
    lots: SequentialBytes = field(default_factory=SequentialBytes)
    rules: StartRules = START_RULES

    async def open(self, request: StartRequest = REQUEST, key: str | None = None) -> Started:
        start = SessionStart(
            face=self.faults.around(self.face),
            store=self.faults.around(self.store),
            rules=self.rules,
            now=self.clock,
            random_bytes=self.lots,
            log=self.notes,
        )
        return await start.start(request, key)

    async def open_all(
        self, *keyed: tuple[StartRequest, str | None]
    ) -> tuple[list[Started], list[AppError]]:
        """Open at the same moment, and tell the winners from the losers."""
        done = await asyncio.gather(
            *(self.open(request, key) for request, key in keyed), return_exceptions=True
        )
        won = [one for one in done if isinstance(one, Started)]
        lost = [one for one in done if isinstance(one, AppError)]
        assert len(won) + len(lost) == len(done)
        return won, lost

    async def handle_alarm(self, session_id: str) -> str:
        flow = LivenessFlow(
            face=self.face, store=self.store, rules=RULES, now=self.clock, log=self.notes
        )
        return await flow.handle_alarm(session_id)

    @property
    def session(self) -> Session:
        (session,) = self.store.sessions.values()
        return session

    @property
    def facts(self) -> tuple[int, int, int]:
        """Count what is kept: sessions, keys, people with open sessions."""
        return len(self.store.sessions), len(self.store.claims), len(self.store.counts)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_session_is_opened_at_face_and_recorded_with_its_alarm(stage: Stage) -> None:
    started = await stage.open()

    assert stage.session == replace(started.session, version=stage.session.version)
    assert (stage.session.face_session_id, stage.session.created_at) == ("face-1", NOW)
    assert stage.session.alarm_at == NOW + TOKEN_LIFE + GRACE
    assert started.auth_token == Secret("face-auth-token-1")
    assert stage.facts == (1, 0, 1)


async def test_a_session_token_has_43_characters_and_only_its_hash_is_kept(stage: Stage) -> None:
    started = await stage.open()

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", started.session_token.reveal())
    assert started.session.token_hash == hash_token(started.session_token)


async def test_a_start_is_told_without_a_word_on_the_person(stage: Stage) -> None:
    started = await stage.open()

    facts = {"session_id": started.session.session_id, "kind": "liveness"}
    assert stage.notes.named("session started") == [facts]


async def test_with_an_image_its_quality_is_passed_on_and_its_hash_kept(stage: Stage) -> None:
    started = await stage.open(WITH_IMAGE)

    assert started.reference_image == ReferenceImage(quality="high", face_rectangle=None)
    assert started.session.verify_image_sha256 == WITH_IMAGE.verify_image_sha256
    assert stage.face.created == [WITH_IMAGE]


@pytest.mark.parametrize(
    "error", [InvalidRequestError("no"), *(silence.values[0] for silence in SILENCES)], ids=repr
)
async def test_what_face_does_not_open_is_not_recorded(error: Exception, stage: Stage) -> None:
    stage.faults.fail("create", error)

    with pytest.raises(type(error)):
        await stage.open(key="k")

    assert stage.facts == (0, 0, 0)


@pytest.mark.parametrize("key", [None, "k"], ids=["without-a-key", "with-a-key"])
@pytest.mark.parametrize("lost", LOST_ANSWERS)
async def test_a_create_whose_insert_answer_was_lost_has_succeeded(
    lost: Exception, key: str | None, stage: Stage
) -> None:
    stage.faults.drop_responses("insert", lost)
    started = await stage.open(key=key)

    assert stage.session.token_hash == hash_token(started.session_token)
    assert stage.facts == (1, 0 if key is None else 1, 1)
    assert stage.face.deleted == []


async def test_an_insert_that_filled_the_cap_itself_has_succeeded(stage: Stage) -> None:
    # The answer was lost, and the store's second look found the person's cap reached: by us.
    stage.rules = replace(START_RULES, max_open_sessions=1)
    stage.faults.drop_responses("insert", TooManySessionsError("too many"))
    await stage.open()

    assert (stage.facts, stage.face.deleted) == ((1, 0, 1), [])


@pytest.mark.parametrize("key", [None, "k"], ids=["without-a-key", "with-a-key"])
async def test_a_create_that_cannot_be_recorded_deletes_its_face_session(
    key: str | None, stage: Stage
) -> None:
    stage.faults.fail_next("insert", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.open(key=key)

    assert (stage.face.alive, stage.facts) == (set(), (0, 0, 0))


async def test_a_create_that_nobody_can_look_up_deletes_its_face_session(stage: Stage) -> None:
    stage.faults.fail_next("insert", StoreUnavailableError("down"))
    stage.faults.fail_next("load", StoreUnavailableError("down"))
    stage.faults.fail("delete", FaceUnavailableError("down too"))

    with pytest.raises(StoreUnavailableError):
        await stage.open()

    assert stage.faults.calls.count("delete") == 1
    assert [fact["operation"] for fact in stage.notes.named("face silent")] == ["delete"]


async def test_a_create_never_takes_another_session_for_its_own(stage: Stage) -> None:
    await stage.open()
    first = stage.session
    # The same lots again, against all odds: the same id, and another's token.
    stage.lots = SequentialBytes()
    stage.store.hold(replace(first, token_hash="another"))

    with pytest.raises(StoreUnavailableError):
        await stage.open()

    assert stage.face.alive == {"face-1"}
    assert stage.session.token_hash == "another"


# The reference image.


@pytest.mark.parametrize(
    ("minimum", "quality", "good"),
    [
        ("high", "high", True),
        ("high", "medium", False),
        ("high", "low", False),
        ("medium", "high", True),
        ("medium", "medium", True),
        ("medium", "low", False),
        ("low", "low", True),
        ("medium", "superb", False),
        ("medium", "HIGH", False),
        ("medium", None, False),
        ("low", "superb", True),
        ("low", None, True),
    ],
)
async def test_a_reference_image_must_be_as_good_as_the_setting_says(
    minimum: str, quality: str | None, stage: Stage, *, good: bool
) -> None:
    stage.rules = replace(START_RULES, min_reference_quality=minimum)
    stage.face.reference_image = ReferenceImage(quality=quality, face_rectangle=None)

    if good:
        started = await stage.open(WITH_IMAGE, "k")
        assert started.reference_image == stage.face.reference_image
    else:
        with pytest.raises(ReferenceImageQualityError):
            await stage.open(WITH_IMAGE, "k")
        assert (stage.face.alive, stage.facts) == (set(), (0, 0, 0))


@pytest.mark.parametrize(("minimum", "good"), [("low", True), ("medium", False), ("high", False)])
async def test_a_reference_image_that_face_says_nothing_of_passes_at_low_only(
    minimum: str, stage: Stage, *, good: bool
) -> None:
    stage.rules = replace(START_RULES, min_reference_quality=minimum)
    stage.face.reference_image = None

    if good:
        assert (await stage.open(WITH_IMAGE)).reference_image is None
    else:
        with pytest.raises(ReferenceImageQualityError):
            await stage.open(WITH_IMAGE)


async def test_without_an_image_there_is_no_quality_to_ask_for(stage: Stage) -> None:
    stage.rules = replace(START_RULES, min_reference_quality="high")

    assert (await stage.open()).reference_image is None


async def test_a_poor_image_is_refused_even_if_face_cannot_delete_its_session(
    stage: Stage,
) -> None:
    stage.face.reference_image = None
    stage.faults.fail("delete", FaceUnavailableError("down"))

    with pytest.raises(ReferenceImageQualityError):
        await stage.open(WITH_IMAGE)

    assert len(stage.notes.named("face silent")) == 1


# The cap.


async def test_a_person_has_no_more_open_sessions_than_may_be_TooManySessions(  # noqa: N802
    stage: Stage,
) -> None:
    for _ in range(5):
        await stage.open()

    with pytest.raises(TooManySessionsError) as caught:
        await stage.open()

    assert caught.value.retry_after_seconds == 60
    assert (len(stage.store.sessions), stage.face.calls) == (5, ["create"] * 5)


async def test_of_many_creates_at_once_exactly_as_many_as_may_be_succeed(stage: Stage) -> None:
    won, lost = await stage.open_all(*[(REQUEST, None)] * 12)

    assert (len(won), {type(error) for error in lost}) == (5, {TooManySessionsError})
    assert stage.face.alive == {started.session.face_session_id for started in won}
    assert stage.store.counts == [5]


async def test_an_ending_makes_room(stage: Stage) -> None:
    for _ in range(5):
        started = await stage.open()
    before = stage.store.sessions[started.session.session_id]
    await stage.store.replace(before, transitions.canceled(before, NOW))

    await stage.open()


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(a_request(user="user-2"), id="another-user-on-the-same-device"),
        pytest.param(a_request(user=None, device="user-1"), id="a-device-of-the-users-name"),
        pytest.param(a_request(user=None), id="the-device-without-the-user"),
    ],
)
async def test_a_full_cap_is_one_persons_own(others: StartRequest, stage: Stage) -> None:
    for _ in range(5):
        await stage.open()

    await stage.open(others)


async def test_a_user_is_one_person_on_every_device(stage: Stage) -> None:
    for number in range(5):
        await stage.open(a_request(user="user-1", device=f"device-{number}"))

    with pytest.raises(TooManySessionsError):
        await stage.open(a_request(user="user-1", device=None))


@pytest.mark.parametrize("key", [None, "k"], ids=["without-a-key", "with-a-key"])
async def test_whom_nothing_names_nothing_counts(key: str | None, stage: Stage) -> None:
    for number in range(7):
        await stage.open(a_request(device=None), key and f"{key}{number}")

    assert (len(stage.store.sessions), stage.store.counts) == (7, [])


async def test_a_cap_of_0_counts_nobody(stage: Stage) -> None:
    stage.rules = replace(START_RULES, max_open_sessions=0)
    for _ in range(7):
        await stage.open()

    assert (len(stage.store.sessions), stage.store.counts) == (7, [])


async def test_a_count_that_cannot_be_read_opens_nothing_at_face(stage: Stage) -> None:
    stage.faults.fail_next("open_sessions", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.open()

    assert stage.face.calls == []


# The idempotency key.


async def test_a_key_is_kept_hashed_for_a_day_beside_its_session(stage: Stage) -> None:
    started = await stage.open(key="the-key")

    (claim,) = stage.store.claims
    assert claim == idempotency.Claim(
        shard=started.session.session_id[0],
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
    await stage.open(request_, "k")
    before, facts = stage.session, stage.facts
    stage.clock.advance(timedelta(minutes=2))

    with pytest.raises(SessionConflictError) as caught:
        await stage.open(request_, "k")

    # It may come back as often as it likes: only another key opens another session.
    assert caught.value.retry_after_seconds is None
    assert (stage.session, stage.facts, stage.face.calls) == (before, facts, ["create"])


def _place(session: Session) -> tuple[str, str]:
    return shard_of(session.session_id), f"session-{session.session_id}"


@pytest.mark.parametrize(
    "become",
    [
        pytest.param(lambda store, one: store.hold(transitions.canceled(one, NOW)), id="ended"),
        pytest.param(lambda store, one: store.table.rows.pop(_place(one)), id="purged"),
    ],
)
async def test_a_key_opens_nothing_more_whatever_became_of_its_session(
    become: Callable[[StoreInMemory, Session], object], stage: Stage
) -> None:
    await stage.open(key="k")
    become(stage.store, stage.session)

    with pytest.raises(SessionConflictError):
        await stage.open(key="k")

    assert stage.face.calls == ["create"]


async def test_a_repeated_create_at_a_full_cap_learns_that_its_key_is_used(stage: Stage) -> None:
    await stage.open(key="k")
    for _ in range(4):
        await stage.open()

    with pytest.raises(SessionConflictError):
        await stage.open(key="k")
    with pytest.raises(TooManySessionsError):
        await stage.open(key="another")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_request(user="user-1", mode="Passive"), id="another-mode"),
        pytest.param(replace(REQUEST, token_seconds=599), id="another-token-life"),
        pytest.param(a_request(user="user-1", device="device-2"), id="another-device"),
        pytest.param(a_request(user="user-1", device=None), id="no-device"),
        pytest.param(WITH_IMAGE, id="with-an-image"),
    ],
)
async def test_another_request_under_a_used_key_is_refused_IdempotencyKeyReused(  # noqa: N802
    other: StartRequest, stage: Stage
) -> None:
    await stage.open(key="k")
    before = stage.session

    with pytest.raises(IdempotencyKeyReusedError):
        await stage.open(other, "k")

    assert (stage.session, stage.face.calls) == (before, ["create"])


async def test_another_image_under_a_used_key_is_refused(stage: Stage) -> None:
    await stage.open(WITH_IMAGE, "k")

    with pytest.raises(IdempotencyKeyReusedError):
        await stage.open(a_request(user="user-1", image=PNG + b"\0"), "k")


@pytest.mark.parametrize(
    ("one", "another"),
    [
        pytest.param(REQUEST, a_request(user="user-2"), id="two-users-of-one-device"),
        pytest.param(
            a_request(user="x", device="d"), a_request(device="x"), id="a-user-and-a-device"
        ),
        pytest.param(a_request(device="x"), a_request(device="y"), id="two-devices"),
        pytest.param(a_request(device="k"), a_request(device=None), id="a-device-and-nobody"),
        pytest.param(
            a_request(device="None"), a_request(device=None), id="a-device-named-None-and-nobody"
        ),
    ],
)
async def test_the_same_key_of_another_person_is_another_key(
    one: StartRequest, another: StartRequest, stage: Stage
) -> None:
    first, second = await stage.open(one, "k"), await stage.open(another, "k")

    assert first.session.session_id != second.session.session_id
    assert len(stage.store.claims) == 2


async def test_a_key_alone_is_enough_where_nobody_is_named(stage: Stage) -> None:
    nobody = a_request(device=None)
    first = await stage.open(nobody, "k")
    await stage.open(nobody, "l")

    with pytest.raises(SessionConflictError):
        await stage.open(nobody, "k")
    (claim, _) = stage.store.claims
    assert shard_of(first.session.session_id) == claim.shard


@pytest.mark.parametrize("other", [REQUEST, WITH_IMAGE], ids=["same-request", "another-request"])
async def test_an_expired_key_is_as_good_as_new(other: StartRequest, stage: Stage) -> None:
    first = await stage.open(key="k")
    stage.clock.advance(DAY)
    fresh = await stage.open(other, "k")

    assert fresh.session.session_id != first.session.session_id
    (claim,) = stage.store.claims
    assert (claim.session_id, claim.ends_at) == (fresh.session.session_id, NOW + 2 * DAY)


async def test_a_key_is_good_until_its_last_moment(stage: Stage) -> None:
    await stage.open(key="k")
    stage.clock.advance(DAY - timedelta(milliseconds=1))

    with pytest.raises(SessionConflictError):
        await stage.open(key="k")


async def test_an_expired_key_that_somebody_else_removes_is_a_lost_race(stage: Stage) -> None:
    await stage.open(key="k")
    stage.clock.advance(DAY)
    stage.faults.fail_next("drop_claim", stage.store.table.rows.clear)

    with pytest.raises(SessionConflictError) as caught:
        await stage.open(key="k")

    assert caught.value.retry_after_seconds == 1
    assert (await stage.open(key="k")).session.face_session_id == "face-2"


@pytest.mark.parametrize("full", [False, True], ids=["room-for-more", "room-for-one"])
async def test_of_two_creates_with_one_key_at_once_one_wins_and_the_other_may_retry(
    stage: Stage, *, full: bool
) -> None:
    for _ in range(4 if full else 0):
        await stage.open()
    won, lost = await stage.open_all((REQUEST, "k"), (REQUEST, "k"))

    (started,), (error,) = won, lost
    assert isinstance(error, SessionConflictError)
    assert error.retry_after_seconds == 1
    assert started.session.face_session_id in stage.face.alive
    assert len(stage.face.alive) == len(stage.store.sessions)
    assert len(stage.store.claims) == 1


async def test_of_two_requests_with_one_key_at_once_the_loser_learns_why(stage: Stage) -> None:
    won, lost = await stage.open_all((REQUEST, "k"), (a_request(user="user-1", mode="P"), "k"))

    (started,), (error,) = won, lost
    assert isinstance(error, IdempotencyKeyReusedError)
    assert stage.face.alive == {started.session.face_session_id}


async def test_a_loser_that_cannot_learn_who_won_says_that_the_store_is_down(
    stage: Stage,
) -> None:
    stage.faults.fail_next("insert", StoreConflictError("there already"))
    stage.faults.fail_next("load_claim", lambda: None, StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.open(key="k")

    assert stage.face.alive == set()


async def test_a_key_that_cannot_be_looked_up_opens_nothing(stage: Stage) -> None:
    await stage.open(key="k")
    stage.faults.fail_next("load_claim", StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await stage.open(key="k")

    assert stage.face.calls == ["create"]
