"""Between HTTP on the wire and the worker's messages, by the real host's rules. No I/O here."""

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, quote

from multidict import CIMultiDict

from local.functions_host.protos import Message, RpcHttp, SameSite, TypedData
from local.functions_host.worker import FunctionFailedError

_SAME_SITE = {
    SameSite.Lax: "lax",
    SameSite.Strict: "strict",
    SameSite.ExplicitNone: "none",
}


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join repeated names by a comma, whatever their case; the first spelling stays."""
    spellings: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(spellings.setdefault(name.lower(), name), []).append(value)
    return {name: ",".join(each) for name, each in values.items()}


def worker_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower-case the names and join repeated headers."""
    return joined((name.lower(), value) for name, value in pairs)


def worker_query(query_string: str) -> dict[str, str]:
    """Join repeated parameters and drop empty ones."""
    pairs = joined(parse_qsl(query_string, keep_blank_values=True))
    return {name: value for name, value in pairs.items() if value}


def key_of_query(query: Mapping[str, str]) -> dict[str, str]:
    """Make the parameter `code` findable in any case."""
    return {name.lower(): value for name, value in query.items()}


def request_data(
    *, method: str, url: str, headers: Mapping[str, str], params: Mapping[str, str], body: bytes
) -> TypedData:
    """Build the worker's request; an empty body is an absent one."""
    return TypedData(
        http=RpcHttp(
            method=method,
            url=url,
            headers=headers,
            query=worker_query(url.partition("?")[2]),
            params=params,
            body=TypedData(bytes=body) if body else TypedData(),
        )
    )


def response_parts(returned: TypedData | None) -> tuple[int, CIMultiDict[str], bytes]:
    """Read the worker's response: status, headers with every cookie, body."""
    match returned.WhichOneof("data") if returned is not None else None:
        case "http" if returned is not None:
            http = returned.http
            headers = CIMultiDict(http.headers)
            for cookie in http.cookies or ():
                headers.add("Set-Cookie", _cookie_text(cookie))
            return _status(http.status_code), headers, http.body.bytes
        case "string" if returned is not None:
            text = {"Content-Type": "text/plain; charset=utf-8"}
            return 200, CIMultiDict(text), returned.string.encode()
        case kind:
            raise FunctionFailedError(f"an HTTP function cannot answer with {kind}")


def _status(text: str) -> int:
    if text.isdigit() and len(text) == 3:  # noqa: PLR2004 - RFC 9110: three digits
        return int(text)
    raise FunctionFailedError(f"'{text}' is no HTTP status")


def _cookie_text(cookie: Message) -> str:
    """Write a cookie in ASP.NET's order of attributes."""
    flags = {"secure": cookie.secure, "httponly": cookie.http_only}
    seconds = _value(cookie.expires)
    expires = formatdate(seconds.seconds, usegmt=True) if seconds else None
    max_age = _value(cookie.max_age)
    attributes = {
        "expires": expires,
        "max-age": None if max_age is None else f"{max_age:.0f}",
        "domain": _value(cookie.domain),
        "path": _value(cookie.path),
    }
    return "; ".join(
        [f"{cookie.name}={quote(cookie.value, safe='')}"]
        + [f"{name}={value}" for name, value in attributes.items() if value]
        + [name for name, flag in flags.items() if _value(flag)]
        + [f"samesite={name}" for code, name in _SAME_SITE.items() if code == cookie.same_site]
    )


# Any: a nullable's type is the runtime's affair.
def _value(nullable: Message | None) -> Any:  # noqa: ANN401
    return nullable.value if nullable else None
