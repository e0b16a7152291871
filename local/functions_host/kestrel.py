"""What Kestrel, the server below the real host, makes of a request before the host. No I/O here.

https://github.com/dotnet/aspnetcore/tree/main/src/Servers/Kestrel/Core/src
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

_MAX_REQUEST_LINE_BYTES = 8 * 1024
_MAX_HEADER_BYTES = 32 * 1024
_MAX_HEADERS = 100
_BESIDE_THE_TARGET = len("  HTTP/1.1\r\n")
_BESIDE_A_HEADER = len(": \r\n")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")
_ABSOLUTE = re.compile(r"https?://([^/?]*)", re.IGNORECASE)
_ENCODED = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
# An encoded slash stays encoded: https://github.com/dotnet/aspnetcore/issues/11544
_ENCODED_BUT_SLASH = re.compile(r"(?:%(?!2f)[0-9a-f]{2})+", re.IGNORECASE)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

type RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request asks for: the path decoded and free of dot segments, the query as it came."""

    authority: str | None
    path: str
    query: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the target of a request line."""
        absolute = _ABSOLUTE.match(text)
        path, mark, query = text[absolute.end() if absolute else 0 :].partition("?")
        return cls(
            authority=absolute[1] if absolute else None,
            path=_without_dot_segments(_decoded(_ENCODED_BUT_SLASH, path)),
            query=mark + query,
        )

    def url(self, host: str) -> str:
        """Write the address as ASP.NET does: the decoded path, encoded anew."""
        path = _STRAY_PERCENT.sub("%25", quote(self.path, safe="%/!$&'()*+,;=:@"))
        return f"http://{host}{path}{self.query}"


def refusal(method: str, target: str, headers: RawHeaders, *, needs_host: bool) -> int | None:
    """Give the status of what Kestrel refuses before any function is asked."""
    if len(method) + len(target) + _BESIDE_THE_TARGET > _MAX_REQUEST_LINE_BYTES:
        return 414
    size = sum(len(name) + len(value) + _BESIDE_A_HEADER for name, value in headers)
    if len(headers) > _MAX_HEADERS or size > _MAX_HEADER_BYTES:
        return 431
    parsed = Target.parse(target)
    is_sound = (
        "\0" not in parsed.path
        and all(_is_utf8(value) for _, value in headers)
        and _is_host_sound(parsed.authority, headers, needs_host=needs_host)
    )
    return None if is_sound else 400


def decode_query(text: str) -> str:
    """Decode a name or a value of a query; what is not UTF-8 stays encoded."""
    return _decoded(_ENCODED, text.replace("+", " "))


def _decoded(encoded: re.Pattern[str], text: str) -> str:
    def decode(run: re.Match[str]) -> str:
        try:
            return bytes.fromhex(run[0].replace("%", "")).decode()
        except UnicodeDecodeError:
            return run[0]

    return encoded.sub(decode, text)


def _without_dot_segments(path: str) -> str:
    # https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    return "/".join([*kept, ""] if segments[-1] in {".", ".."} else kept)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_host_sound(authority: str | None, headers: RawHeaders, *, needs_host: bool) -> bool:
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(hosts) > 1 or (needs_host and not hosts):
        return False
    is_same = authority is None or hosts == [authority.encode()]
    return is_same and all(_HOST.fullmatch(host) for host in hosts)
