from collections.abc import Callable

import pytest
from hypothesis import given

from shared.session.ids import NO_SESSION_ID, is_session_id, new_session_id, shard_of
from shared.session.shard import SHARDS, PersonHash
from tests.support.any_records import HASHES
from tests.support.builders import PERSON, SESSION_ID


def numbered_bytes(count: int) -> bytes:
    return bytes(range(count))


@given(person=HASHES.map(PersonHash))
def test_all_sessions_of_one_person_are_neighbors(person: PersonHash) -> None:
    ids = [new_session_id(person, random_bytes) for random_bytes in (numbered_bytes, bytes)]

    shards = {shard_of(session_id) for session_id in ids}
    assert shards == {person[0]} <= set(SHARDS)
    assert len(set(ids)) == 2
    assert all(map(is_session_id, ids))


def test_a_session_of_nobody_in_particular_lies_anywhere() -> None:
    session_id = new_session_id(None, numbered_bytes)

    assert session_id == bytes(range(17)).hex()[:33]
    assert is_session_id(session_id)


@pytest.mark.parametrize("person", [None, PERSON], ids=["nobody", "somebody"])
def test_a_session_id_holds_at_least_128_random_bits(person: PersonHash | None) -> None:
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
        pytest.param(lambda _: NO_SESSION_ID, True, id="the-id-that-stands-for-no-session"),
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
