import pytest

from local.functions_host.kestrel import RawHeaders, Target, decode_query, refusal

_HOST = (b"Host", b"localhost:7071")


@pytest.mark.parametrize(
    ("target", "path", "url"),
    [
        ("/a%2fb%252F", "/a%2fb%2F", "/a%2fb%2F"),
        ("/%20%C3%BC", "/ ü", "/%20%C3%BC"),
        ("/%ff", "/%ff", "/%ff"),
        ("/a/%2E%2e/b/./c/..", "/b/", "/b/"),
        ("/../../a", "/a", "/a"),
        ("/a//../b?c=%2e%2e/d", "/a/b", "/a/b?c=%2e%2e/d"),
        ("http://localhost:7071/a%b", "/a%b", "/a%25b"),
    ],
    ids=["slash", "UTF-8", "no UTF-8", "dots", "above the root", "query", "absolute"],
)
def test_path_is_decoded_once_and_free_of_dot_segments(target: str, path: str, url: str) -> None:
    parsed = Target.parse(target)

    assert parsed.path == path
    assert parsed.url("localhost:7071") == f"http://localhost:7071{url}"


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/", [_HOST], None),
        ("/?%00", [_HOST], None),
        ("/%00", [_HOST], 400),
        ("/", [], 400),
        ("/", [_HOST, _HOST], 400),
        ("/", [(b"Host", b"a b")], 400),
        ("http://other/", [_HOST], 400),
        ("/", [_HOST, (b"A", b"\xc3\xa9")], None),
        ("/", [_HOST, (b"A", b"\xff")], 400),
        ("/" + "a" * 8176, [_HOST], None),
        ("/" + "a" * 8177, [_HOST], 414),
        ("/", [_HOST, *[(b"A", b"")] * 99], None),
        ("/", [_HOST, *[(b"A", b"")] * 100], 431),
        ("/", [_HOST, (b"A", b"a" * 32741)], None),
        ("/", [_HOST, (b"A", b"a" * 32742)], 431),
    ],
    ids=[
        *(
            "sound",
            "zero in the query",
            "zero in the path",
            "no host",
            "two hosts",
            "words for host",
        ),
        *("another host", "UTF-8", "no UTF-8", "8 KiB line", "longer line", "100 headers"),
        *("101 headers", "32 KiB of headers", "more"),
    ],
)
def test_kestrel_refuses_what_no_function_should_see(
    target: str, headers: RawHeaders, status: int | None
) -> None:
    assert refusal("GET", target, headers, needs_host=True) == status


def test_old_clients_need_no_host() -> None:
    assert refusal("GET", "/", [], needs_host=False) is None


def test_query_is_decoded_where_it_can_be() -> None:
    assert decode_query("a+%C3%BC%2f%25%zz") == "a ü/%%zz"
    assert decode_query("%FF") == "%FF"
