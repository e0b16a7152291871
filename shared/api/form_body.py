"""A form's parts, read strictly and in memory; which of them are wanted is not known here."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from multipart import MultipartSegment, ParserError, PushMultipartParser

from shared.api.fields import as_target
from shared.errors import InvalidRequestError, RequestTooLargeError

_MAX_PARTS = 16
_MAX_TEXT_BYTES = 4 * 1024
# A file's name may have 255 characters, and come in two spellings with every byte as %XX.
_MAX_HEADER_BYTES = 8 * 1024
_NOT_ENCODED = {"7bit", "8bit", "binary"}
# Also filename*=utf-8''..., which the parser does not look for.
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form."""

    is_file: bool
    is_json: bool
    charset: str
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The text, or the text of a JSON string; U+FFFD stands where it is none."""
        # Cut: no field takes as long a text, so that its name is what the caller is told.
        text = self.content[:_MAX_TEXT_BYTES].decode(self.charset, "replace")
        return _unquote(text) if self.is_json else text


class _StrictParser(PushMultipartParser):
    """A parser to whom a bare CR or LF is no white space of a header."""

    def _on_segment_headerline(self, line: bytes) -> None:
        if b"\r" in line or b"\n" in line:
            raise ParserError("a header's line ends in CRLF")
        super()._on_segment_headerline(line)


def read(body: bytes, boundary: str) -> dict[str, Part]:
    """Read multipart/form-data into its parts, each under a name of its own."""
    if not boundary:
        raise InvalidRequestError(
            "the boundary is missing in Content-Type; let what writes the form write that header"
        )
    parts: dict[str, Part] = {}
    try:
        for name, part in _split(body, boundary):
            if not name or name in parts:
                raise InvalidRequestError(
                    "each part must have a name of its own", target=as_target(name)
                )
            if len(parts) == _MAX_PARTS:
                raise RequestTooLargeError(f"a form may have {_MAX_PARTS} parts at most")
            parts[name] = part
    except ValueError as error:
        message = "the body is not whole multipart/form-data whose lines end in CRLF"
        raise InvalidRequestError(message) from error
    return parts


def _split(body: bytes, boundary: str) -> Iterator[tuple[str, Part]]:
    # A file's name is not used; in latin-1 it may have any bytes.
    with _StrictParser(
        boundary, header_charset="latin-1", max_header_size=_MAX_HEADER_BYTES
    ) as parser:
        # In one piece: no delimiter lies across two, and a file is copied once.
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                segment, content = event, b""
            elif event is not None:
                content += event
            else:
                _check_framing(content, boundary)
                yield _name(segment), _part(segment, content)


def _name(segment: MultipartSegment) -> str:
    # In UTF-8, as in the texts: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
    return (segment.name or "").encode("latin-1").decode(errors="replace")


def _check_framing(content: bytes, boundary: str) -> None:
    # After a bare line end a delimiter is content; but a part that follows it was meant as one.
    opening = f"--{boundary}\r\nContent-".encode()
    if b"\r" + opening in content or b"\n" + opening in content:
        raise ParserError("a delimiter begins with CRLF")


def _part(segment: MultipartSegment, content: bytes) -> Part:
    names = [name for name, _ in segment.headerlist if name.startswith("Content-")]
    if len(set(names)) != len(names):
        # A gateway before us may go by the first of them, and the parser goes by the last.
        raise InvalidRequestError("a part has a header twice")
    for name, value in segment.headerlist:
        if name == "Content-Transfer-Encoding" and value.strip().lower() not in _NOT_ENCODED:
            raise InvalidRequestError("a part's Content-Transfer-Encoding must be binary or none")
    return Part(
        is_file=_FILE_NAME.search(segment["Content-Disposition"]) is not None,
        is_json=segment.content_type == "application/json",
        charset="latin-1" if (segment.charset or "").lower() == "iso-8859-1" else "utf-8",
        content=content,
    )


def _unquote(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text
