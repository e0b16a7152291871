import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.secret import Secret
from shared.session.session import (
    NO_SESSION_ID,
    Report,
    Status,
    hash_token,
    is_session_id,
    new_session_id,
    rfc3339,
    shard_of,
    token_matches,
)
from tests.support.builders import SESSION_ID, TOKEN, a_session


def numbered_bytes(count: int) -> bytes:
    return bytes(range(count))


@given(person=st.text(min_size=1, max_size=64).filter(str.isprintable))
def test_all_sessions_of_one_person_are_neighbors(person: str) -> None:
    ids = [new_session_id(person, bytes_) for bytes_ in (numbered_bytes, bytes)]

    shards = {shard_of(session_id) for session_id in ids}
    assert shards == {hashlib.sha256(person.encode()).hexdigest()[0]}
    assert len(set(ids)) == 2
    assert all(map(is_session_id, ids))


def test_a_session_of_nobody_in_particular_lies_anywhere() -> None:
    session_id = new_session_id(None, numbered_bytes)

    assert session_id == bytes(range(17)).hex()[:33]
    assert is_session_id(session_id)


@pytest.mark.parametrize("person", [None, "somebody"], ids=["nobody", "somebody"])
def test_a_session_id_holds_at_least_128_random_bits(person: str | None) -> None:
    drawn: list[int] = []

    def count(wanted: int) -> bytes:
        drawn.append(wanted)
        return b"\0" * wanted

    new_session_id(person, count)

    assert sum(drawn) >= 16


@pytest.mark.parametrize(
    ("spoil", "well_formed"),
    [
        pytest.param(str, True, id="as-it-is"),
        pytest.param(str.upper, False, id="upper-case"),
        pytest.param(lambda one: one[:-1], False, id="too-short"),
        pytest.param(lambda one: one + "0", False, id="too-long"),
        pytest.param(lambda one: one + "\n", False, id="a-line-more"),
        pytest.param(lambda one: "\N{ARABIC-INDIC DIGIT FIVE}" + one[1:], False, id="odd-digit"),
        pytest.param(lambda one: "'" + one[1:], False, id="quote"),
        pytest.param(lambda _: "", False, id="empty"),
    ],
)
def test_a_session_id_has_one_shape(spoil: Callable[[str], str], *, well_formed: bool) -> None:
    assert is_session_id(spoil(SESSION_ID)) is well_formed


def test_the_id_that_stands_for_no_session_is_a_wellformed_one() -> None:
    assert is_session_id(NO_SESSION_ID)


@pytest.mark.parametrize("guess", ["", "the-session-tokem", "THE-SESSION-TOKEN", "\xe9"])
def test_only_its_own_token_opens_a_session(guess: str) -> None:
    assert token_matches(TOKEN, a_session())
    assert not token_matches(Secret(guess), a_session())


def test_no_token_opens_a_session_that_is_not_there() -> None:
    assert not token_matches(TOKEN, None)


def test_only_the_hash_of_a_token_is_kept() -> None:
    assert hash_token(TOKEN) == hashlib.sha256(TOKEN.reveal().encode()).hexdigest()


@pytest.mark.parametrize("status", Status)
def test_a_session_has_ended_when_its_status_is_final(status: Status) -> None:
    final = status in {Status.COMPLETED, Status.ABANDONED, Status.CANCELED}

    assert replace(a_session(), status=status).is_final is final


@pytest.mark.parametrize(
    ("report", "failed"),
    [
        pytest.param(Report(digest="0" * 64, result_id="1"), False, id="no-error"),
        pytest.param(Report(liveness_error="TimedOut"), True, id="liveness-error"),
        pytest.param(Report(recognition_error="FaceNotFound"), True, id="recognition-error"),
        *(
            pytest.param(Report(liveness_error=name, recognition_error=name), False, id=repr(name))
            for name in ("", "None", "none", "NONE", "nOnE", "no_ne", "_NONE_", " none ", "-")
        ),
        *(
            pytest.param(Report(recognition_error=name), True, id=repr(name))
            for name in (
                "NoError",
                "None2",
                "NoneFound",
                "N",
                "\N{FULLWIDTH LATIN SMALL LETTER N}one",
            )
        ),
        pytest.param(
            Report(liveness_error="None", recognition_error="FaceNotFound"),
            True,
            id="recognition-error-only",
        ),
    ],
)
def test_a_report_tells_whether_the_try_failed(report: Report, *, failed: bool) -> None:
    assert report.has_error is failed


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (
            datetime(2026, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-01T23:00:00.000Z",
        ),
    ],
    ids=["whole-seconds", "milliseconds", "another-zone"],
)
def test_times_are_written_in_utc_to_the_millisecond(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text
