import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequestError
from shared.session import idempotency
from shared.session.start_request import StartRequest
from tests.support.builders import PNG, a_request

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
NAMES = st.none() | st.sampled_from(["a", "b", "None", "user", "device"])
REQUESTS = st.builds(
    StartRequest,
    mode=st.sampled_from(["Passive", "PassiveActive"]),
    token_seconds=st.sampled_from([60, 600]),
    device_correlation_id=NAMES,
    user_correlation_id=NAMES,
    verify_image=st.none() | st.sampled_from([PNG, PNG + b"\0"]),
)


@given(key=KEYS)
def test_visible_ascii_is_a_key(key: str) -> None:
    assert idempotency.check(key) == key


def test_no_key_is_none() -> None:
    assert idempotency.check(None) is None


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("a b", id="with-a-blank"),
        pytest.param("k\n", id="with-a-line"),
        pytest.param("k\x7f", id="with-delete"),
        pytest.param("k\x00", id="with-null"),
        pytest.param("kéy", id="not-ascii"),
        pytest.param("\N{FULLWIDTH DIGIT ONE}", id="a-digit-of-another-script"),
        pytest.param("k" * 256, id="too-long"),
    ],
)
def test_anything_else_is_refused_by_the_headers_name(key: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        idempotency.check(key)

    assert caught.value.target == "Idempotency-Key"
    assert not key or key not in str(caught.value)


@given(
    one=st.from_type(StartRequest),
    another=st.from_type(StartRequest),
    changed=st.sets(st.sampled_from([field.name for field in fields(StartRequest)])),
)
def test_two_requests_share_a_hash_only_if_they_ask_for_the_same(
    one: StartRequest, another: StartRequest, changed: set[str]
) -> None:
    other = replace(one, **{name: getattr(another, name) for name in changed})
    same = idempotency.hash_request(one) == idempotency.hash_request(other)

    assert same == (one == other)


@given(one=st.tuples(KEYS, REQUESTS), another=st.tuples(KEYS, REQUESTS))
def test_a_key_is_one_persons_own(
    one: tuple[str, StartRequest], another: tuple[str, StartRequest]
) -> None:
    (key, request), (other_key, other) = one, another
    same = idempotency.hash_key(key, request) == idempotency.hash_key(other_key, other)

    who = (request.person_kind, request.person)
    assert same == ((key, who) == (other_key, (other.person_kind, other.person)))


def test_what_is_kept_of_a_key_is_a_hash_and_says_nothing() -> None:
    request = replace(a_request(user="user-1"), device_correlation_id=None)

    for kept in (idempotency.hash_key("the-key", request), idempotency.hash_request(request)):
        assert re.fullmatch(r"[0-9a-f]{64}", kept)
