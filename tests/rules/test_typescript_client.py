"""The TypeScript client knows what the app may answer; it may know more."""

import re

import pytest
from msgspec import structs

from shared.api import contract, error_replies
from shared.api.contract import ReplyBody, RequestBody
from shared.session.session import Reason
from tests.rules.source import ROOT

CONTRACT = (ROOT / "clients" / "typescript" / "src" / "contract.ts").read_text(encoding="utf-8")
# The fields of every interface: by two blanks, so that those of nested objects are left out.
INTERFACES = {
    name: set(re.findall(r"^ {2}(\w+)\??:", body, re.MULTILINE))
    for name, body in re.findall(
        r"^export interface (\w+) \{\n(.*?)^\}", CONTRACT, re.DOTALL | re.MULTILINE
    )
}
BODIES = [
    body
    for body in vars(contract).values()
    if isinstance(body, type)
    and issubclass(body, RequestBody | ReplyBody)
    and body.__name__ in INTERFACES
]


def members(union: str) -> set[str]:
    (text,) = re.findall(rf"^export type {union} =(.*?);$", CONTRACT, re.DOTALL | re.MULTILINE)
    return set(re.findall(r'"(\w+)"', text))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_the_client_knows_every_field_of_a_body(body: type[RequestBody | ReplyBody]) -> None:
    assert {field.encode_name for field in structs.fields(body)} <= INTERFACES[body.__name__]


def test_the_client_knows_every_error_code_and_every_reason() -> None:
    assert {code for _, code in error_replies.STATUS_BY_ERROR.values()} <= members("ErrorCode")
    assert {str(reason) for reason in Reason} <= members("Reason")


def test_the_bodies_that_the_client_speaks_are_among_those_compared() -> None:
    assert {body.__name__ for body in BODIES} >= {
        "CreateBody", "CompletionBody", "StartReply", "StatusReply", "CompleteReply",
        "ResultReply", "ErrorReply",
    }  # fmt: skip
