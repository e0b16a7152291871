import json
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from shared.api import fields, json_body
from shared.api.contract import RequestBody, Sha256
from shared.errors import CallerError, InvalidRequestError

Short = Annotated[str, Meta(min_length=1, max_length=8)]


class Inner(RequestBody, frozen=True, kw_only=True):
    """An object in a request."""

    inner_text: Short | None = None


class Body(RequestBody, frozen=True, kw_only=True):
    """A request with a field of every type, one of which must be there."""

    text: Short | None = None
    flag: bool | None = None
    number: Annotated[int, Meta(ge=60)] | None = None
    choice: Literal["left", "right"] | None = None
    hash: Sha256 | None = None
    inner: Inner | None = None
    needed: Short


def take(**said: object) -> Body:
    return fields.take(json_body.read(json.dumps({"needed": "x", **said}).encode()), Body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "x"),
        ("text", "12345678"),
        ("text", "\N{GRINNING FACE}" * 8),
        ("flag", True),
        ("flag", False),
        ("number", 60),
        ("number", 10**30),
        ("choice", "left"),
        ("choice", "right"),
        ("hash", "aB" * 32),
    ],
)
def test_a_good_value_is_taken_as_it_is(name: str, value: object) -> None:
    assert getattr(take(**{name: value}), name) == value


def test_an_object_inside_is_taken_too() -> None:
    assert take(inner={"innerText": "x"}).inner == Inner(inner_text="x")


@pytest.mark.parametrize("name", ["text", "flag", "number", "choice", "hash", "inner"])
def test_null_says_as_little_as_nothing(name: str) -> None:
    assert take(**{name: None}) == take() == Body(needed="x")


TEXT = "{} must be a text of 1 to 8 characters"
PRINTABLE = "{} must be printable characters"
FLAG = "{} must be true or false"
NUMBER = "{} must be a whole number, 60 or more"
CHOICE = "{} must be left or right"
HASH = "{} must be 64 hex digits"
OBJECT = "{} must be an object"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("text", "", TEXT, id="empty-text"),
        pytest.param("text", "123456789", TEXT, id="text-too-long"),
        pytest.param("text", 1, TEXT, id="text-that-is-a-number"),
        pytest.param("text", ["x"], TEXT, id="text-that-is-a-list"),
        pytest.param("text", {"innerText": "x"}, TEXT, id="text-that-is-an-object"),
        pytest.param("text", "a\x00b", PRINTABLE, id="text-with-a-null-character"),
        pytest.param("text", "a\r\nb", PRINTABLE, id="text-with-a-line-break"),
        pytest.param("text", "a\x7f", PRINTABLE, id="text-with-delete"),
        pytest.param("text", "a\u2028b", PRINTABLE, id="text-with-a-line-separator"),
        pytest.param("text", "a\u202eb", PRINTABLE, id="text-with-a-direction-override"),
        pytest.param("text", "\ud800", PRINTABLE, id="text-with-a-lone-surrogate"),
        pytest.param("text", "a\ufffdb", PRINTABLE, id="text-that-was-not-decoded"),
        pytest.param("flag", "true", FLAG, id="flag-that-is-text"),
        pytest.param("flag", 1, FLAG, id="flag-that-is-a-number"),
        pytest.param("number", 59, NUMBER, id="number-too-small"),
        pytest.param("number", 60.0, NUMBER, id="number-with-a-point"),
        pytest.param("number", float("nan"), NUMBER, id="NaN"),
        pytest.param("number", float("inf"), NUMBER, id="Infinity"),
        pytest.param("number", True, NUMBER, id="number-that-is-true"),
        pytest.param("number", "60", NUMBER, id="number-that-is-text"),
        pytest.param("choice", "Left", CHOICE, id="choice-in-another-case"),
        pytest.param("choice", "", CHOICE, id="choice-empty"),
        pytest.param("choice", "\ud800", CHOICE, id="choice-that-is-a-lone-surrogate"),
        pytest.param("choice", 1, CHOICE, id="choice-that-is-a-number"),
        pytest.param("choice", ["left"], CHOICE, id="choice-that-is-a-list"),
        pytest.param("choice", {"left": 1}, CHOICE, id="choice-that-is-an-object"),
        pytest.param("hash", "a" * 63, HASH, id="hash-too-short"),
        pytest.param("hash", "a" * 64 + "\n", HASH, id="hash-with-a-line-break"),
        pytest.param("hash", "\N{ARABIC-INDIC DIGIT FIVE}" * 64, HASH, id="hash-of-odd-digits"),
        pytest.param("inner", [], OBJECT, id="object-that-is-a-list"),
        pytest.param("inner", "x", OBJECT, id="object-that-is-text"),
        pytest.param("needed", None, TEXT, id="null-for-what-is-needed"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    name: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        take(**{name: value})

    assert (caught.value.target, str(caught.value)) == (name, message.format(name))


def test_a_bad_value_inside_an_object_is_refused_by_its_own_name() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        take(inner={"innerText": 1})

    assert caught.value.target == "innerText"


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        pytest.param("sendResultsToClient", "sendResultsToClient", "sendResultsToClient", id="a"),
        pytest.param("set_in_client", "set_in_client", "set_in_client", id="as-python-would"),
        pytest.param("set-in-client", "set-in-client", "a field", id="with-hyphens"),
        pytest.param("ger\u00e4t", "ger\u00e4t", "a field", id="in-no-ascii"),
        pytest.param("x" * 64, "x" * 64, "x" * 64, id="as-long-as-can-be"),
        pytest.param("x" * 65, None, "a field", id="too-long-to-repeat"),
        pytest.param("", None, "a field", id="of-nothing"),
        pytest.param("a b\n<script>", None, "a field", id="not-fit-to-repeat"),
        pytest.param("\ud800", None, "a field", id="a-lone-surrogate"),
    ],
)
@pytest.mark.parametrize("value", [1, None], ids=["a-value", "null"])
def test_an_unknown_field_is_refused_before_anything_else(
    name: str, target: str | None, said: str, value: object
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fields.take({"text": 1, name: value}, Body)

    assert caught.value.target == target
    assert str(caught.value) == f"{said} is not one that this route knows"


def test_a_missing_field_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fields.take({}, Body)

    assert caught.value.target == "needed"


@given(
    body=st.binary(max_size=200)
    | st.text(alphabet='{}[]":,\\u0d8name1.e-', max_size=60).map(str.encode)
    | st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
            for name in ("text", "flag", "number", "choice", "hash", "inner", "needed", "other")
        },
    ).map(lambda said: json.dumps(said).encode())
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        fields.take(json_body.read(body), Body)
    except CallerError as error:
        str(error).encode("ascii")
