import binascii

import pytest
from multidict import CIMultiDict

from local.functions_host.cors import Cors
from local.functions_host.http_messages import worker_headers, worker_query
from local.functions_host.keys import AuthLevel, HostKeys, presented_key
from local.functions_host.queue_message import decode_text
from local.functions_host.trace_parent import next_trace

_KEYS = HostKeys(functions={"create": ("create-key",)})
_ONE = "https://app.example"


@pytest.mark.parametrize(
    ("level", "key", "is_allowed"),
    [
        (AuthLevel.ANONYMOUS, "wrong", True),
        (AuthLevel.FUNCTION, None, False),
        (AuthLevel.FUNCTION, "", False),
        (AuthLevel.FUNCTION, "wrong", False),
        (AuthLevel.FUNCTION, "create-key", True),
        (AuthLevel.FUNCTION, "CREATE-key", True),
        (AuthLevel.FUNCTION, "local-function-key", True),
        (AuthLevel.FUNCTION, "local-master-key", True),
        (AuthLevel.ADMIN, "local-function-key", False),
        (AuthLevel.ADMIN, "local-master-key", True),
    ],
)
def test_key_opens_what_its_level_says(
    level: AuthLevel, key: str | None, *, is_allowed: bool
) -> None:
    assert _KEYS.allow(level, "create", key) is is_allowed


def test_key_of_one_function_does_not_open_another() -> None:
    assert not _KEYS.allow(AuthLevel.FUNCTION, "result", "create-key")


def test_key_in_the_header_wins() -> None:
    assert presented_key({"x-functions-key": "h"}, {"code": "q"}) == "h"
    assert presented_key({"x-functions-key": ""}, {"code": "q"}) == ""
    assert presented_key({}, {"code": "q"}) == "q"


def test_keys_are_not_printed() -> None:
    assert "key" not in repr(_KEYS)


def test_repeated_values_are_joined_and_empty_ones_dropped() -> None:
    assert worker_query("?a=1&A=2&A=&b=&c&d=x+y%2B") == {"A": "1,2", "d": "x y+"}
    assert worker_headers([("X-A", "1"), ("x-a", "2"), ("B", "")]) == {"x-a": "1,2", "b": ""}


@pytest.mark.parametrize(
    ("configured", "origin", "is_allowed"),
    [
        (_ONE, _ONE, True),
        ("https://APP.example", _ONE, True),
        (f"{_ONE}/", _ONE, False),
        (_ONE, "https://APP.example", False),
        (_ONE, "https://app.example.evil", False),
        (_ONE, "http://app.example", False),
        (_ONE, "null", False),
        ("*", "https://any.example", True),
    ],
)
def test_origin_is_compared_exactly(configured: str, origin: str, *, is_allowed: bool) -> None:
    headers = CIMultiDict({"origin": origin, "access-control-request-method": "DELETE"})

    cors = Cors([configured])

    assert cors.is_preflight("OPTIONS", headers)
    assert bool(cors.preflight_headers(headers)) is is_allowed
    assert bool(cors.response_headers(headers)) is is_allowed


@pytest.mark.parametrize(
    ("method", "headers", "is_foreign"),
    [
        (
            "POST",
            {"Origin": "https://evil.example", "Content-Type": "multipart/form-data; b=b"},
            True,
        ),
        ("POST", {"Origin": "https://evil.example", "Content-Type": "Text/Plain"}, True),
        ("POST", {"Origin": "https://evil.example"}, True),
        ("POST", {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"}, True),
        ("POST", {"Origin": "https://evil.example", "Content-Type": "application/json"}, False),
        ("GET", {"Origin": "https://evil.example"}, False),
        ("POST", {"Origin": _ONE, "Content-Type": "multipart/form-data; b=b"}, False),
        ("POST", {"Origin": "http://localhost:7071"}, False),
        ("POST", {"Content-Type": "multipart/form-data; b=b"}, False),
    ],
    ids=[
        *("upload", "text", "no type", "no origin's", "asks first", "no form"),
        *("allowed", "the host's own page", "no browser"),
    ],
)
def test_form_of_a_page_on_another_site_is_known(
    method: str, headers: dict[str, str], *, is_foreign: bool
) -> None:
    headers = {"Host": "localhost:7071", **headers}

    assert Cors([_ONE]).is_foreign_form(method, CIMultiDict(headers)) is is_foreign


def test_without_origins_there_is_no_cors() -> None:
    headers = CIMultiDict({"Origin": "https://a", "Access-Control-Request-Method": "GET"})

    assert not Cors().is_preflight("OPTIONS", headers)
    assert Cors().response_headers(headers) == {}


def test_trace_continues_the_callers_or_begins_anew() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"

    continued, begun = next_trace(parent, "state"), next_trace("garbage", "state")

    assert continued.trace_parent.startswith(parent[:36])
    assert (continued.trace_parent[-3:], continued.trace_state) == ("-01", "state")
    assert (len(begun.trace_parent), begun.trace_state) == (55, "")


def test_message_text_is_utf8_in_base64_or_as_it_is() -> None:
    assert decode_text("w7w=", is_base64=True) == "ü"
    assert decode_text("as it is", is_base64=False) == "as it is"
    with pytest.raises(binascii.Error):
        decode_text("not base64!", is_base64=True)
    with pytest.raises(UnicodeDecodeError):
        decode_text("/w==", is_base64=True)
