from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequestError
from shared.secret import Secret
from shared.session import idempotency
from shared.session.start_request import StartRequest
from tests.support.builders import a_request

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=255)
SOMEBODY = a_request(user="user-1")


@given(key=KEYS)
def test_visible_ascii_is_a_key(key: str) -> None:
    assert idempotency.check_key(key, SOMEBODY) == Secret(key)


def test_no_key_is_none() -> None:
    assert idempotency.check_key(None, SOMEBODY) is None
    assert idempotency.check_key(None, a_request(device=None)) is None


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("k" * 15, id="too-short"),
        pytest.param("a b" * 8, id="with-a-blank"),
        pytest.param("k" * 16 + "\n", id="with-a-line"),
        pytest.param("k" * 16 + "\x7f", id="with-delete"),
        pytest.param("k" * 16 + "\x00", id="with-null"),
        pytest.param("kéy" * 8, id="not-ascii"),
        pytest.param("\N{FULLWIDTH DIGIT ONE}" * 16, id="a-digit-of-another-script"),
        pytest.param("k" * 256, id="too-long"),
    ],
)
def test_anything_else_is_refused_by_the_headers_name(key: str) -> None:
    with pytest.raises(InvalidRequestError, match="16 to 255") as caught:
        idempotency.check_key(key, SOMEBODY)

    assert caught.value.target == "Idempotency-Key"
    assert not key or key not in str(caught.value)


def test_a_key_needs_a_person_whom_it_belongs_to() -> None:
    with pytest.raises(InvalidRequestError, match="needs a") as caught:
        idempotency.check_key("k" * 16, a_request(device=None))

    assert caught.value.target == "Idempotency-Key"
    assert idempotency.check_key("k" * 16, a_request(device="d")) is not None


@given(
    one=st.from_type(StartRequest),
    another=st.from_type(StartRequest),
    changed=st.sets(st.sampled_from([field.name for field in fields(StartRequest) if field.init])),
)
def test_two_requests_are_described_alike_only_if_they_ask_for_the_same(
    one: StartRequest, another: StartRequest, changed: set[str]
) -> None:
    other = replace(one, **{name: getattr(another, name) for name in changed})
    same = idempotency.describe_request(one) == idempotency.describe_request(other)

    assert same == (one == other)
