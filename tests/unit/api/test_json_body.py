import pytest

from shared.api import json_body
from shared.errors import InvalidRequestError, RequestTooLargeError


def test_an_object_is_read_as_it_is() -> None:
    body = '{"a": "é", "b": [1, null, {"a": 2.5}]}'.encode()

    assert json_body.read(body) == {"a": "é", "b": [1, None, {"a": 2.5}]}


def test_a_byte_order_mark_before_it_is_forgiven() -> None:
    assert json_body.read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{} {}", id="two-objects"),
        pytest.param(b"\xef\xbb\xbf" * 2 + b"{}", id="two-byte-order-marks"),
        pytest.param(b"\xef\xbb\xbf", id="a-byte-order-mark-alone"),
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


@pytest.mark.parametrize(
    "body",
    [b'{"device-id":1,"b":2,"device-id":1}', b'{"a":[{"device-id":1,"device-\\u0069d":2}]}'],
    ids=["outside", "inside-and-escaped"],
)
def test_a_field_that_is_given_twice_is_named(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="twice") as caught:
        json_body.read(body)

    assert caught.value.target == "device-id"


@pytest.mark.parametrize("excess", [0, 1], ids=["16-KiB", "one-byte-more"])
def test_a_body_may_have_16_kib(excess: int) -> None:
    body = b"{}".ljust(16 * 1024 + excess)

    if excess:
        with pytest.raises(RequestTooLargeError):
            json_body.read(body)
    else:
        assert json_body.read(body) == {}
