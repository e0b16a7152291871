"""Between HTTP on the wire and the worker's messages, by the real host's rules. No I/O here."""

import re
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from multidict import CIMultiDict

from local.functions_host.kestrel import decode_query
from local.functions_host.protos import Message, RpcHttp, SameSite, TypedData

_SAME_SITE = {
    SameSite.Lax: "lax",
    SameSite.Strict: "strict",
    SameSite.ExplicitNone: "none",
}


_WITHOUT_BODY = ("204", "205", "304")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class AnswerError(Exception):
    """The function's answer cannot be sent; the caller gets an empty 500 instead."""

    def __init__(self, message: str, *, keeps_headers: bool = True) -> None:
        """Say why, without values, and whether the 500 gets the headers that every answer gets."""
        super().__init__(message)
        self.keeps_headers = keeps_headers


def is_sendable(name: str, value: str) -> bool:
    """Tell whether Kestrel would send this header: every answer with another one is a 500."""
    return bool(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value))


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join repeated names by a comma, whatever their case; the last spelling stays."""
    spellings: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        spellings[name.lower()] = name
        values.setdefault(name.lower(), []).append(value)
    return {spellings[name]: ",".join(each) for name, each in values.items()}


def worker_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower-case the names and join repeated headers."""
    return joined((name.lower(), value) for name, value in pairs)


def worker_query(query_string: str) -> dict[str, str]:
    """Join repeated parameters and drop empty ones."""
    pairs = (part.partition("=") for part in query_string.removeprefix("?").split("&"))
    return joined((decode_query(name), decode_query(value)) for name, _, value in pairs if value)


def key_of_query(query: Mapping[str, str]) -> dict[str, str]:
    """Make the parameter `code` findable in any case."""
    return {name.lower(): value for name, value in query.items()}


def request_data(  # noqa: PLR0913 - the parts of a request, by keyword
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
) -> TypedData:
    """Build the worker's request; an empty body is an absent one."""
    return TypedData(
        http=RpcHttp(
            method=method,
            url=url,
            headers=headers,
            query=query,
            params=params,
            body=TypedData(bytes=body) if body else TypedData(),
        )
    )


def response_parts(returned: TypedData | None) -> tuple[int, CIMultiDict[str], bytes]:
    """Read the worker's response: status, headers with every cookie, body."""
    match returned.WhichOneof("data") if returned is not None else None:
        case "http" if returned is not None:
            http = returned.http
            body = b"" if http.status_code in _WITHOUT_BODY else http.body.bytes
            headers = _checked_headers(CIMultiDict(http.headers), body)
            for cookie in http.cookies or ():
                headers.add("Set-Cookie", _cookie_text(cookie))
            return _status(http.status_code), headers, body
        case "string" if returned is not None:
            text = {"Content-Type": "text/plain; charset=utf-8"}
            return 200, CIMultiDict(text), returned.string.encode()
        case kind:
            raise AnswerError(f"an HTTP function cannot answer with {kind}")


def _status(text: str) -> int:
    """Take any whole number as it is; the real host makes 200 of the rest."""
    return int(text) if re.fullmatch("-?[0-9]+", text) else 200


def _checked_headers(headers: CIMultiDict[str], body: bytes) -> CIMultiDict[str]:
    for name, value in headers.items():
        if not is_sendable(name, value):
            raise AnswerError(f"the header {name!a} is not plain ASCII")
    length = headers.pop("Content-Length", None)  # the server counts by itself
    if length not in {None, str(len(body))}:
        raise AnswerError("its Content-Length is wrong", keeps_headers=False)
    return headers


def _cookie_text(cookie: Message) -> str:
    """Write a cookie in the real host's order of attributes, two of which may be empty."""
    seconds, max_age = _value(cookie.expires), _value(cookie.max_age)
    attributes = {
        "expires": formatdate(seconds.seconds, usegmt=True) if seconds else None,
        "max-age": None if max_age is None else f"{max_age:.0f}",
        "domain": _value(cookie.domain) or "",
        "path": _value(cookie.path) or "",
    }
    same_site = _SAME_SITE.get(cookie.same_site)
    return "; ".join(
        [f"{cookie.name}={quote(cookie.value, safe='')}"]
        + [f"{name}={value}" for name, value in attributes.items() if value is not None]
        + ["secure"] * bool(_value(cookie.secure))
        + ([f"samesite={same_site}"] if same_site else [])
        + ["httponly"] * bool(_value(cookie.http_only))
    )


# Any: a nullable's type is the runtime's affair.
def _value(nullable: Message | None) -> Any:  # noqa: ANN401
    return nullable.value if nullable else None
