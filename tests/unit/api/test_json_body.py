import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.api import json_body
from shared.api.json_body import Fields
from shared.errors import CallerError, InvalidRequestError, RequestTooLargeError

TAKES: dict[str, Callable[[Fields], object]] = {
    "text": lambda fields: fields.text("name", 8),
    "flag": lambda fields: fields.flag("name"),
    "whole": lambda fields: fields.whole("name", 60, 600),
    "choice": lambda fields: fields.choice("name", "left", "right"),
    "fields": lambda fields: fields.fields("name").end(),
}


def fields_of(value: object) -> Fields:
    return json_body.read(json.dumps({"name": value}).encode())


@pytest.mark.parametrize(
    ("take", "value"),
    [
        ("text", "x"),
        ("text", "12345678"),
        ("text", "\N{GRINNING FACE}" * 8),
        ("flag", True),
        ("flag", False),
        ("whole", 60),
        ("whole", 600),
        ("choice", "left"),
        ("choice", "right"),
    ],
)
def test_a_good_value_is_taken_as_it_is(take: str, value: object) -> None:
    fields = fields_of(value)

    assert TAKES[take](fields) == value
    fields.end()


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("body", [b"{}", b'{"name": null}'], ids=["absent", "null"])
def test_null_says_as_little_as_nothing(take: str, body: bytes) -> None:
    fields = json_body.read(body)

    assert TAKES[take](fields) is None
    fields.end()


@pytest.mark.parametrize(
    ("take", "value"),
    [
        pytest.param("text", "", id="empty-text"),
        pytest.param("text", "123456789", id="text-too-long"),
        pytest.param("text", 1, id="text-that-is-a-number"),
        pytest.param("text", ["x"], id="text-that-is-a-list"),
        pytest.param("text", "a\x00b", id="text-with-a-null-character"),
        pytest.param("text", "a\r\nb", id="text-with-a-line-break"),
        pytest.param("text", "a\x7f", id="text-with-delete"),
        pytest.param("text", "a\u2028b", id="text-with-a-line-separator"),
        pytest.param("text", "a\u202eb", id="text-with-a-direction-override"),
        pytest.param("text", "\ud800", id="text-with-a-lone-surrogate"),
        pytest.param("text", "a\ufffdb", id="text-that-was-not-decoded"),
        pytest.param("flag", "true", id="flag-that-is-text"),
        pytest.param("flag", 1, id="flag-that-is-a-number"),
        pytest.param("whole", 59, id="number-too-small"),
        pytest.param("whole", 601, id="number-too-large"),
        pytest.param("whole", 10**400, id="number-enormous"),
        pytest.param("whole", 60.0, id="number-with-a-point"),
        pytest.param("whole", float("nan"), id="NaN"),
        pytest.param("whole", float("inf"), id="Infinity"),
        pytest.param("whole", True, id="number-that-is-true"),
        pytest.param("whole", "60", id="number-that-is-text"),
        pytest.param("choice", "Left", id="choice-in-another-case"),
        pytest.param("choice", "", id="choice-empty"),
        pytest.param("choice", 1, id="choice-that-is-a-number"),
        pytest.param("choice", ["left"], id="choice-that-is-a-list"),
        pytest.param("choice", {"left": 1}, id="choice-that-is-an-object"),
        pytest.param("fields", [], id="object-that-is-a-list"),
        pytest.param("fields", "x", id="object-that-is-text"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(take: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        TAKES[take](fields_of(value))

    assert caught.value.target == "name"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("sendResultsToClient", "sendResultsToClient", id="named"),
        pytest.param("x" * 65, None, id="too-long-to-repeat"),
        pytest.param("a b\n<script>", None, id="not-fit-to-repeat"),
        pytest.param("\ud800", None, id="a-lone-surrogate"),
    ],
)
@pytest.mark.parametrize("value", [1, None], ids=["a-value", "null"])
def test_a_field_nobody_took_is_refused(name: str, target: str | None, value: object) -> None:
    fields = json_body.read(json.dumps({name: value}).encode())

    with pytest.raises(InvalidRequestError) as caught:
        fields.end()

    assert caught.value.target == target
    assert name not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{} {}", id="two-objects"),
        pytest.param(b"\xef\xbb\xbf{}", id="a-byte-order-mark"),
        pytest.param('{"a":"é"}'.encode("latin-1"), id="latin-1"),
        pytest.param('{"a":1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"a":1,"a":1}', id="a-field-twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="a-field-twice-once-escaped"),
        pytest.param(b'{"a":{"b":[{"c":1,"c":1}]}}', id="a-field-twice-deep-inside"),
        pytest.param(b'{"a":null,"a":null}', id="null-twice"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", id="a-number-of-5000-digits"),
        pytest.param(b'{"a":' + b"[" * 16_000, id="deep-lists"),
        pytest.param(b'{"a":' * 3000, id="deep-objects"),
    ],
)
def test_whatever_is_not_one_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        json_body.read(body)


@pytest.mark.parametrize("excess", [0, 1], ids=["16-KiB", "one-byte-more"])
def test_a_body_may_have_16_kib(excess: int) -> None:
    body = b"{}".ljust(16 * 1024 + excess)

    if excess:
        with pytest.raises(RequestTooLargeError):
            json_body.read(body)
    else:
        json_body.read(body).end()


@given(
    body=st.binary(max_size=200)
    | st.text(alphabet='{}[]":,\\u0d8name1.e-', max_size=60).map(str.encode)
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        fields = json_body.read(body)
        for take in TAKES.values():
            take(fields)
        fields.end()
    except CallerError as error:
        str(error).encode("ascii")
