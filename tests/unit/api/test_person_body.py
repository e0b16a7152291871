"""A person is named by exactly one id."""

import json

import pytest

from shared.api import person_body
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.session.person import Person, PersonKind


def parse(said: object, content_type: str = "application/json") -> Person:
    return person_body.parse(content_type, json.dumps(said).encode())


def test_one_id_names_a_user_or_a_device_in_form_c() -> None:
    user, device = parse({"userCorrelationId": "e\u0301"}), parse({"deviceCorrelationId": "d"})

    assert user == Person(kind=PersonKind.USER, id="\u00e9")
    assert device == Person(kind=PersonKind.DEVICE, id="d")


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ({}, "userCorrelationId"),
        ({"userCorrelationId": None}, "userCorrelationId"),
        ({"userCorrelationId": "u", "deviceCorrelationId": "d"}, "deviceCorrelationId"),
        ({"userCorrelationId": "u "}, "userCorrelationId"),
        ({"userCorrelationId": "u", "why": "x"}, "why"),
    ],
    ids=["none", "null", "both", "a-blank", "unknown"],
)
def test_none_or_both_or_another_shape_is_refused_by_the_fields_name(
    said: object, target: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(said)

    assert caught.value.target == target


def test_a_body_that_is_no_json_is_an_unsupported_media_type() -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        parse({"userCorrelationId": "u"}, "text/plain")


def test_a_list_goes_on_from_where_the_page_before_has_ended() -> None:
    body = json.dumps({"userCorrelationId": "u", "continuation": "sealed"}).encode()

    person, continuation = person_body.parse_list("application/json", body)

    assert (person, continuation) == (Person(kind=PersonKind.USER, id="u"), "sealed")


def test_an_empty_continuation_is_none_of_ours() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        person_body.parse_list("application/json", b'{"userCorrelationId":"u","continuation":""}')

    assert caught.value.target == "continuation"
