"""What holds for every shape of the contract, also for those that are still to come."""

from typing import get_args

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET, inspect, structs

from shared.api import contract, create_body
from shared.api.contract import CreateBody, ReplyBody, RequestBody


def bodies[T](kind: type[T]) -> list[type[T]]:
    return [
        one
        for one in vars(contract).values()
        if isinstance(one, type) and issubclass(one, kind) and one is not kind
    ]


REQUESTS, REPLIES = bodies(RequestBody), bodies(ReplyBody)


@pytest.mark.parametrize("body", [*REQUESTS, *REPLIES], ids=lambda body: body.__name__)
def test_every_shape_can_be_written_as_a_json_schema(body: type[msgspec.Struct]) -> None:
    schema = msgspec.json.schema(body)["$defs"][body.__name__]

    assert list(schema["properties"]) == [field.encode_name for field in structs.fields(body)]


@pytest.mark.parametrize("body", REPLIES, ids=lambda body: body.__name__)
def test_a_key_of_a_reply_is_always_there_or_says_that_it_may_not_be(
    body: type[msgspec.Struct],
) -> None:
    assert {field.default for field in structs.fields(body)} <= {NODEFAULT, UNSET}


@pytest.mark.parametrize("body", [*REQUESTS, *REPLIES], ids=lambda body: body.__name__)
def test_no_shape_prints_what_it_holds(body: type[msgspec.Struct]) -> None:
    holder = body(**{field.name: "planted-value" for field in structs.fields(body)})

    assert f"{holder!r}{holder!s}" == f"{body.__name__}(...)" * 2


def _bare_type(kind: object) -> inspect.Type:
    found = inspect.type_info(kind)
    return found.type if isinstance(found, inspect.Metadata) else found


def test_a_form_can_say_whatever_json_can() -> None:
    texts = inspect.StrType | inspect.LiteralType
    others = {
        field.encode_name
        for field in structs.fields(CreateBody)
        if not isinstance(_bare_type(get_args(field.type)[0]), texts)
    }

    assert set(create_body._FORM_TYPES) == others
